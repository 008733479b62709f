/** GitLab's commit statuses: jobs of external pipelines, with the state machine of CI jobs. */

export type JobState =
  | 'created'
  | 'pending'
  | 'running'
  | 'success'
  | 'failed'
  | 'canceled'
  | 'skipped';
export const POSTED_STATES = [
  'pending',
  'running',
  'success',
  'failed',
  'canceled',
  'skipped',
] as const;
export type PostedState = (typeof POSTED_STATES)[number];

export interface Pipeline {
  id: number;
  iid: number;
  projectId: number;
  sha: string;
  ref: string;
  createdAt: string;
  updatedAt: string;
}

/** One row: a job of an external pipeline. */
export interface StatusRow {
  id: number;
  pipelineId: number;
  sha: string;
  ref: string;
  name: string;
  userId: number;
  status: JobState;
  targetUrl: string | null;
  description: string | null;
  coverage: number | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** A later row of the same name took its place; left out of lists unless all are asked for. */
  retried: boolean;
}

/** One accepted POST, in order of arrival, with the row as it was right after. */
export type StatusPost = StatusRow & { postedAt: string };

export interface StatusBook {
  pipelines: Pipeline[];
  rows: StatusRow[];
  history: StatusPost[];
}

export function createStatusBook(): StatusBook {
  return { pipelines: [], rows: [], history: [] };
}

/** Rows and accepted posts kept of a project; the oldest go first. */
const MAX_ROWS = 20_000;

const WAITING: JobState[] = ['created'];
const UNFINISHED: JobState[] = ['created', 'pending', 'running'];

/** Which states an event may start from, as CommitStatus's state machine has it. */
const EVENTS: Record<string, { from: JobState[]; to: JobState }> = {
  enqueue: { from: [...WAITING, 'skipped'], to: 'pending' },
  run: { from: ['pending'], to: 'running' },
  success: { from: UNFINISHED, to: 'success' },
  drop: { from: UNFINISHED, to: 'failed' },
  cancel: { from: UNFINISHED, to: 'canceled' },
  skip: { from: ['created', 'pending'], to: 'skipped' },
};

const EVENT_OF: Record<PostedState, string> = {
  pending: 'enqueue',
  running: 'run',
  success: 'success',
  failed: 'drop',
  canceled: 'cancel',
  skipped: 'skip',
};

/** The state after a post, or GitLab's sentence where the machine refuses it. */
export function transition(
  from: JobState,
  posted: PostedState,
): { state: JobState } | { refused: string } {
  // A post of `running` first tries to enqueue, and does not mind when that fails.
  const start = posted === 'running' && from === 'created' ? 'pending' : from;
  const event = EVENT_OF[posted];
  const rule = EVENTS[event];
  if (rule?.from.includes(start)) return { state: rule.to };
  const reason = `Status cannot transition via "${event}"`;
  return { refused: `Cannot transition status via :${event} from :${from} (Reason(s): ${reason})` };
}

/** The state of a pipeline made of these jobs (retried ones left out), as GitLab rolls it up. */
export function rollUp(states: JobState[]): JobState {
  const only = (...allowed: JobState[]) => states.every((state) => allowed.includes(state));
  if (states.length === 0) return 'created';
  if (only('skipped')) return 'skipped';
  if (only('success', 'skipped')) return 'success';
  if (only('created')) return 'created';
  if (only('canceled', 'success', 'skipped')) return 'canceled';
  if (only('created', 'pending', 'skipped')) return 'pending';
  return states.some((state) => UNFINISHED.includes(state)) ? 'running' : 'failed';
}

export interface PostRequest {
  sha: string;
  /** The ref of the request, else the pipeline's, else the first branch that holds the commit. */
  ref: string;
  pipeline: Pipeline;
  name: string;
  userId: number;
  state: PostedState;
  targetUrl?: string | undefined;
  description?: string | undefined;
  coverage?: number | undefined;
}

/**
 * Applies a post: an unfinished job of the same pipeline, name, ref and user is updated, else a new
 * one is made and older ones of that name count as retried. A refused post changes nothing.
 */
export function postStatus(
  book: StatusBook,
  post: PostRequest,
  options: { now: string; nextId: () => number; idempotent: boolean },
): { row: StatusRow } | { refused: string } {
  const existing = book.rows.find(
    (row) =>
      row.pipelineId === post.pipeline.id &&
      row.name === post.name &&
      row.ref === post.ref &&
      row.userId === post.userId &&
      (row.status === 'pending' || row.status === 'running'),
  );
  const next = transition(existing?.status ?? 'created', post.state);
  const repeated = options.idempotent && existing?.status === post.state;
  if ('refused' in next && !repeated) return next;
  const row = existing ?? addRow(book, post, options);
  row.status = 'refused' in next ? row.status : next.state;
  row.targetUrl = post.targetUrl ?? row.targetUrl;
  row.description = post.description ?? row.description;
  row.coverage = post.coverage ?? row.coverage;
  if (row.status === 'running') row.startedAt ??= options.now;
  if (!UNFINISHED.includes(row.status)) row.finishedAt ??= options.now;
  post.pipeline.updatedAt = options.now;
  book.history.push({ ...row, postedAt: options.now });
  if (book.history.length > MAX_ROWS) book.history.shift();
  return { row };
}

function addRow(
  book: StatusBook,
  post: PostRequest,
  options: { now: string; nextId: () => number },
): StatusRow {
  for (const row of book.rows) {
    if (row.pipelineId === post.pipeline.id && row.name === post.name) row.retried = true;
  }
  const row: StatusRow = {
    id: options.nextId(),
    pipelineId: post.pipeline.id,
    sha: post.sha,
    ref: post.ref,
    name: post.name,
    userId: post.userId,
    status: 'created',
    targetUrl: null,
    description: null,
    coverage: null,
    createdAt: options.now,
    startedAt: null,
    finishedAt: null,
    retried: false,
  };
  book.rows.push(row);
  if (book.rows.length > MAX_ROWS) book.rows.shift();
  return row;
}

/** The newest pipeline of a commit (and ref), if there is one. */
export function findPipeline(
  book: StatusBook,
  wanted: { sha: string; ref?: string | undefined; id?: number | undefined },
): Pipeline | undefined {
  return book.pipelines.findLast(
    (pipeline) =>
      pipeline.sha === wanted.sha &&
      (wanted.ref === undefined || pipeline.ref === wanted.ref) &&
      (wanted.id === undefined || pipeline.id === wanted.id),
  );
}

export function pipelineState(book: StatusBook, pipeline: Pipeline): JobState {
  const jobs = book.rows.filter((row) => row.pipelineId === pipeline.id && !row.retried);
  return rollUp(jobs.map((row) => row.status));
}
