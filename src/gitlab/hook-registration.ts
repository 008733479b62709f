/** Registers Ekiden's hook with a project in GitLab, has it tried out, and takes it back. */
import { z } from 'zod';
import {
  type GitLabHook,
  type GitLabHooks,
  type HookEvent,
  outboundHint,
} from '../clients/gitlab-hooks.ts';
import { inOneLine } from '../clients/gitlab-request.ts';
import { RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';

/** What became of the delivery that GitLab was asked to send. */
export interface HookTest {
  /**
   * `arrived`: Ekiden took it. `refused`: it was not sent, or not taken. `waits`: the next push
   * will show, since there is nothing that could be sent now.
   */
  outcome: 'arrived' | 'refused' | 'waits';
  /** What Ekiden decided, such as `queued`, where GitLab tells what was answered. */
  decision?: string;
  /** In one sentence, in GitLab's or Ekiden's words. */
  reason: string;
  /** What to do about it. */
  hint?: string;
}

export interface Registration {
  hook: { id: number; url: string };
  change: 'created' | 'repaired' | 'unchanged';
  test: HookTest;
}

export interface HookRegistration {
  /**
   * Brings the hook into being, or into order, and has GitLab send a push of the last commits.
   * @throws RemoteError when GitLab does not let Ekiden; NotFoundError
   */
  enable(project: number): Promise<Registration>;
  /** Removes every hook of the project that leads to this Ekiden, and no other. */
  disable(project: number): Promise<{ removed: { id: number; url: string }[] }>;
}

export interface HookRegistrationOptions {
  hooks: GitLabHooks;
  /** How GitLab reaches Ekiden. */
  url: string;
  /** What GitLab is to send as X-Gitlab-Token. */
  secret(): Promise<string>;
  signingToken: string | undefined;
}

export function createHookRegistration(options: HookRegistrationOptions): HookRegistration {
  const { hooks } = options;
  const url = `${options.url}/hooks/gitlab`;
  const ours = async (project: number) =>
    (await hooks.list(project)).filter((hook) => hook.url === url);

  return {
    async enable(project) {
      const [found] = await ours(project);
      const settings = {
        ...wanted,
        url,
        token: await options.secret(),
        signingToken: options.signingToken,
      };
      const hook = found
        ? // The secret is shown to nobody, so it is set whether it was right or not.
          await hooks.update(project, found.id, settings)
        : await hooks.create(project, settings);
      if (options.signingToken !== undefined && !hook.isSigned) throw unsigned();
      const change = found ? (isRight(found, hook) ? 'unchanged' : 'repaired') : 'created';
      return { hook: { id: hook.id, url }, change, test: await tryOut(hooks, project, hook.id) };
    },
    async disable(project) {
      const removed = await ours(project);
      for (const { id } of removed) await hooks.remove(project, id);
      return { removed: removed.map(({ id }) => ({ id, url })) };
    },
  };
}

/** The events that Ekiden acts on. */
const wanted = { name: 'Ekiden', pushEvents: true, tagPushEvents: true } as const;

function isRight(found: GitLabHook, now: GitLabHook): boolean {
  return (
    found.pushEvents === now.pushEvents &&
    found.tagPushEvents === now.tagPushEvents &&
    found.isSigned === now.isSigned &&
    found.name === now.name
  );
}

function unsigned(): RemoteError {
  return new RemoteError(
    'This GitLab does not sign its deliveries, and Ekiden takes signed ones only.',
    {
      code: 'E_GITLAB_HOOK',
      hint: 'Unset EKIDEN_SIGNING_TOKEN, or use GitLab 19.0 or newer.',
      retryable: false,
    },
  );
}

async function tryOut(hooks: GitLabHooks, project: number, id: number): Promise<HookTest> {
  const before = await hooks.events(project, id);
  const answer = await hooks.test(project, id);
  if (answer.outcome === 'limited') {
    const reason = 'GitLab sends five test deliveries a minute, and has sent them';
    return { outcome: 'waits', reason, hint: 'Try again in a minute.' };
  }
  if (answer.outcome === 'untestable') {
    return {
      outcome: 'waits',
      reason: 'this GitLab sends test deliveries from its pages only; the next push will show',
    };
  }
  if (answer.outcome === 'refused') return toldRefusal(answer.said);
  const list = async () => (await hooks.events(project, id)) ?? [];
  const event = before && (await noted(list, before[0]?.id ?? 0));
  return event ? toldAnswer(event) : { outcome: 'arrived', reason: 'GitLab delivered it' };
}

/** GitLab notes a delivery in the background: it is looked for so often, with such pauses (ms). */
const looks = 8;
const pause = 250;

async function noted(
  list: () => Promise<HookEvent[]>,
  after: number,
): Promise<HookEvent | undefined> {
  for (let look = 0; look < looks; look += 1) {
    const event = (await list()).find(({ id }) => id > after);
    if (event) return event;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return undefined;
}

const decisionSchema = z.object({ decision: z.string(), reason: z.string() });
const problemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** What Ekiden itself answered, as GitLab noted it. */
function toldAnswer({ status, body }: HookEvent): HookTest {
  if (/^2\d\d$/.test(status)) {
    const told = decisionSchema.safeParse(parseJson(body));
    const reason = 'GitLab delivered it';
    return { outcome: 'arrived', ...(told.success ? told.data : { reason }) };
  }
  return toldRefusal(body || `the delivery was answered with ${status}`);
}

/** GitLab repeats the body of an answer that was no success, and else says why it could not send. */
function toldRefusal(said: string): HookTest {
  const problem = problemSchema.safeParse(parseJson(said));
  if (problem.success) {
    const { title, detail } = problem.data;
    return { outcome: 'refused', reason: title, ...(detail === undefined ? {} : { hint: detail }) };
  }
  if (/at least one commit/i.test(said)) {
    return { outcome: 'waits', reason: 'the repository is empty; its first push will show' };
  }
  const isBlocked = /not allowed|blocked|invalid url/i.test(said);
  const hint = isBlocked ? outboundHint : 'See that GitLab reaches EKIDEN_URL.';
  return { outcome: 'refused', reason: inOneLine(said), hint };
}
