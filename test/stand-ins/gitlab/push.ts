/** What follows a push: the default branch, stale readers, and one event for each ref. */
import type { GitLab } from './core.ts';
import { fire } from './fire.ts';
import { type CommitWithFiles, isDeletion, isTag, type PushFacts, pushBody } from './hook-body.ts';
import { type Hook, wantsBranch } from './hooks.ts';
import { parsePushOptions } from './push-options.ts';
import {
  branches,
  changedFiles,
  inRepo,
  log,
  maybe,
  type Repo,
  readCommit,
  resolveCommit,
  tags,
  ZERO_SHA,
} from './repository.ts';
import type { Project, User } from './state.ts';

/** GitLab's `push_event_hooks_limit`: a group with more refs sends nothing. */
const MAX_REFS_OF_A_GROUP = 3;
/** Commits that a body lists. */
const MAX_COMMITS = 20;

export interface RefChange {
  ref: string;
  before: string;
  after: string;
}

/** Groups by branch or tag and by created, updated or removed; the refs whose hooks fire remain. */
export function refsThatFire(changes: RefChange[]): RefChange[] {
  const groups = new Map<string, RefChange[]>();
  const sorted = [
    ...changes.filter(({ ref }) => !isTag(ref)),
    ...changes.filter(({ ref }) => isTag(ref)),
  ];
  for (const change of sorted) {
    const action = isDeletion(change.after)
      ? 'removed'
      : change.before === ZERO_SHA
        ? 'created'
        : 'pushed';
    const key = `${isTag(change.ref) ? 'tag' : 'branch'} ${action}`;
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].filter((group) => group.length <= MAX_REFS_OF_A_GROUP).flat();
}

/** Does what GitLab does after receive-pack: `changes` are all refs of one push, in order. */
export async function afterPush(
  gitlab: GitLab,
  push: { project: Project; user: User; changes: RefChange[]; options: string[] },
): Promise<void> {
  const { project, user } = push;
  const changes = push.changes.filter(({ ref }) => /^refs\/(heads|tags)\//.test(ref));
  const repo = gitlab.repo(project);
  await settleDefaultBranch(repo, project, changes);
  if (changes.some(({ ref, after }) => !isTag(ref) && !isDeletion(after))) project.empty = false;
  hideFromStaleReaders(gitlab, project, changes);
  const options = gitlab.options.pushOptionsInHooks ? parsePushOptions(push.options) : {};
  for (const change of refsThatFire(changes)) {
    const facts = await describe(repo, change, project.defaultBranch);
    firePush(gitlab, { project, user, push: { ...facts, pushOptions: options } });
  }
}

function firePush(gitlab: GitLab, event: { project: Project; user: User; push: PushFacts }): void {
  const { ref } = event.push;
  const wantsPush = (hook: Hook) =>
    hook.events.push_events && wantsBranch(hook, ref.slice('refs/heads/'.length));
  fire(gitlab, {
    project: event.project,
    trigger: isTag(ref) ? 'tag_push_hooks' : 'push_hooks',
    wanted: isTag(ref) ? (hook) => hook.events.tag_push_events : wantsPush,
    body: pushBody(gitlab.instance(), event),
  });
}

/** The sample that GitLab sends for a test of push or tag push hooks: the newest three commits. */
export async function samplePush(
  repo: Repo,
  branch: string,
): Promise<Omit<PushFacts, 'pushOptions'>> {
  const commits = await log(repo, ['-3', `refs/heads/${branch}`]);
  const after = commits[0]?.id ?? ZERO_SHA;
  return {
    ref: `refs/heads/${branch}`,
    before: commits.at(-1)?.id ?? ZERO_SHA,
    after,
    checkoutSha: after,
    message: null,
    commits: await withFiles(repo, commits),
    totalCommits: commits.length,
  };
}

/** Names the default branch by the first push, when HEAD points to a branch that is not there. */
async function settleDefaultBranch(
  repo: Repo,
  project: Project,
  changes: RefChange[],
): Promise<void> {
  if ((await branches(repo)).has(project.defaultBranch)) return;
  const pushed = changes.find(({ ref, after }) => !isTag(ref) && !isDeletion(after));
  if (pushed === undefined) return;
  project.defaultBranch = pushed.ref.slice('refs/heads/'.length);
  await inRepo(repo, ['symbolic-ref', 'HEAD', pushed.ref]);
}

function hideFromStaleReaders(gitlab: GitLab, project: Project, changes: RefChange[]): void {
  const lag = gitlab.faults.branchLagMs();
  if (lag === 0) return;
  const until = gitlab.now() + lag;
  for (const { ref, before } of changes) {
    if (isTag(ref)) continue;
    const sha = before === ZERO_SHA ? null : before;
    project.staleBranches.set(ref.slice('refs/heads/'.length), { sha, until });
  }
}

async function describe(
  repo: Repo,
  change: RefChange,
  defaultBranch: string,
): Promise<Omit<PushFacts, 'pushOptions'>> {
  if (isDeletion(change.after)) {
    return { ...change, checkoutSha: null, message: null, commits: [], totalCommits: 0 };
  }
  if (isTag(change.ref)) return await describeTag(repo, change);
  const range = await rangeOf(repo, change, defaultBranch);
  const newest = (await maybe(log(repo, [`--max-count=${MAX_COMMITS}`, ...range]))) ?? [];
  const total = await maybe(inRepo(repo, ['rev-list', '--count', ...range, '--']));
  return {
    ...change,
    checkoutSha: change.after,
    message: null,
    commits: await withFiles(repo, newest.reverse()),
    totalCommits: Number(total ?? newest.length),
  };
}

/** The commits that are new: all of the default branch's first push, else what it lacks. */
async function rangeOf(repo: Repo, change: RefChange, defaultBranch: string): Promise<string[]> {
  if (change.before !== ZERO_SHA) return [`${change.before}..${change.after}`];
  if (change.ref === `refs/heads/${defaultBranch}`) return [change.after];
  const base = await resolveCommit(repo, defaultBranch);
  return base === undefined ? [change.after] : [`${base}..${change.after}`];
}

async function describeTag(repo: Repo, change: RefChange): Promise<Omit<PushFacts, 'pushOptions'>> {
  const name = change.ref.slice('refs/tags/'.length);
  const tag = (await tags(repo, name)).find((candidate) => candidate.name === name);
  const current = tag?.target === change.after ? tag : undefined;
  const commit = current === undefined ? [] : [await readCommit(repo, current.commit)];
  return {
    ...change,
    checkoutSha: tag?.commit ?? null,
    message: current?.message ?? null,
    commits: await withFiles(repo, commit),
    totalCommits: commit.length,
  };
}

async function withFiles(
  repo: Repo,
  commits: Awaited<ReturnType<typeof log>>,
): Promise<CommitWithFiles[]> {
  return await Promise.all(
    commits.map(async (commit) => ({ ...commit, ...(await changedFiles(repo, commit.id)) })),
  );
}
