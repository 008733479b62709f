/** The newest commit of a ref wins: who is its head, who builds it, and who gives way. */
import type { GitLab } from '../clients/gitlab.ts';
import { type Build, type BuildStore, type Heads, isActive } from '../core/build.ts';
import type { HandOn, JourneyEvent, PushReceived, RefDeleted } from '../core/event.ts';
import { shortRef, supersededBy } from '../core/ref.ts';
import { endOf } from './end.ts';

/** How long GitLab may still show the state before the push, in milliseconds between looks. */
const staleLooks = [100, 300, 1_000];

export interface HeadOptions {
  gitlab: GitLab;
  builds: BuildStore;
  heads: Heads;
  /** Stops a build that a newer commit made needless, wherever it is. */
  cancel: (build: string, reason: string) => Promise<void>;
  /** False where nobody will go on with a build, whatever its record says. */
  isUnderWay: (build: string) => Promise<boolean>;
}

/** GitLab may still show the commit before the push, or no branch yet, for a moment. */
export async function headOf(gitlab: GitLab, arrival: PushReceived): Promise<string | undefined> {
  for (const pause of staleLooks) {
    const head = await gitlab.head(arrival.project, arrival.ref);
    if (head !== undefined && head !== arrival.before) return head;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  return gitlab.head(arrival.project, arrival.ref);
}

/** Another build that is under way for the same commit of the same ref. */
export async function twinOf(
  { builds, heads, isUnderWay }: HeadOptions,
  build: Build,
): Promise<string | undefined> {
  const current = await heads.current(build.project, build.ref);
  if (current === undefined || current.build === build.id || current.sha !== build.sha) return;
  const twin = await builds.find(current.build);
  if (!twin || !isActive(twin)) return undefined;
  // A Redis that was killed may have lost the work of its last second, and kept the record.
  return (await isUnderWay(twin.id)) ? twin.id : undefined;
}

/** The ref has moved on: this commit is not built, and the head is looked after. */
export async function giveWay(
  { builds }: HeadOptions,
  { build, head, handOn }: { build: Build; head: string; handOn: HandOn },
): Promise<JourneyEvent[]> {
  const { id, project, ref, sha } = build;
  // First, since a build that has ended is not followed again after a failure.
  await handOn({ type: 'head.moved', build: id, project, ref, before: sha, sha: head });
  await builds.end(id, 'superseded', supersededBy(head));
  return endOf((await builds.find(id)) ?? build);
}

/**
 * Takes the ref over from `after`, the build that held it before GitLab was asked for the head;
 * whoever held it is stopped. Undefined when somebody else came between: then the answer about the
 * head is old, and has to be asked for again.
 */
export async function claim(
  { builds, heads, cancel }: HeadOptions,
  { id, project, ref, sha, cause }: Build,
  after: string | undefined,
): Promise<JourneyEvent[] | undefined> {
  const isAsked = cause === 'request';
  const claimed = await heads.claim({ project, ref, sha, build: id, after: after ?? '', isAsked });
  if (claimed === undefined) return undefined;
  const { order, previous } = claimed;
  await builds.update(id, { order });
  if (previous === undefined) return [];
  const reason = supersededBy(sha);
  if (!(await builds.end(previous.build, 'superseded', reason))) return [];
  await cancel(previous.build, reason);
  return [{ type: 'build.superseded', build: previous.build }];
}

/** Stops what goes on for a ref that is gone; does nothing when GitLab shows the ref. */
export async function abandon(
  { gitlab, builds, heads, cancel }: HeadOptions,
  { project, ref }: RefDeleted,
): Promise<JourneyEvent[]> {
  if ((await gitlab.head(project, ref)) !== undefined) return [];
  const current = await heads.current(project, ref);
  if (current === undefined) return [];
  const reason = `${shortRef(ref)} was deleted`;
  const ended = await builds.end(current.build, 'superseded', reason);
  if (ended) await cancel(current.build, reason);
  await heads.release(project, ref);
  return ended ? [{ type: 'build.superseded', build: current.build }] : [];
}
