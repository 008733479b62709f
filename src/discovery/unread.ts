/** What is served of data centres that have not answered since this process began; a function of data. */
import type { MarathonApp } from '../clients/marathon.ts';
import type { Member, Upstream } from '../core/upstream.ts';
import { keyOf } from './routes.ts';

export interface Unread {
  /** What an earlier process served. */
  previous: Upstream[];
  /** Names of the data centres of which nothing is known yet. */
  unread: readonly string[];
  /** Apps of the others. */
  apps: Pick<MarathonApp, 'tasks'>[];
}

/** Keeps the members that the data centres had, and upstreams that nothing else is known of. */
export function withUnread(upstreams: Upstream[], known: Unread): Upstream[] {
  if (known.unread.length === 0) return upstreams;
  const read = new Set(known.apps.flatMap(({ tasks }) => tasks.map(({ id }) => id)));
  const isKept = ({ instance, dataCentre }: Member) =>
    // Where there was one data centre only, it was not noted.
    dataCentre === undefined ? !read.has(instance) : known.unread.includes(dataCentre);
  const before = new Map(known.previous.map((each) => [each.app, each]));
  const together = upstreams.map((upstream) => {
    const there = new Set(upstream.members.map(({ instance }) => instance));
    const kept = (before.get(upstream.app)?.members ?? []).filter(
      (member) => isKept(member) && !there.has(member.instance),
    );
    return { ...upstream, members: [...upstream.members, ...kept].sort(byInstance) };
  });
  const routes = new Set(upstreams.flatMap((each) => each.routes.map(keyOf)));
  const others = known.previous
    .filter(({ app }) => !upstreams.some((each) => each.app === app))
    .map((each) => ({
      ...each,
      routes: each.routes.filter((route) => !routes.has(keyOf(route))),
      members: each.members.filter(isKept),
    }))
    .filter((each) => each.routes.length > 0 && each.members.length > 0);
  return [...together, ...others].sort((a, b) => (a.app < b.app ? -1 : 1));
}

function byInstance(a: Member, b: Member): number {
  return a.instance < b.instance ? -1 : Number(a.instance > b.instance);
}
