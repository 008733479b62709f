/** Keeps the list of upstreams true to the Marathons of all data centres. */
import type { Log } from '../core/log.ts';
import type { Sync } from '../core/sync.ts';
import type { TrafficStore } from '../core/traffic.ts';
import type { Upstream } from '../core/upstream.ts';
import { type FollowedApps, type FollowedDataCentre, followDataCentre } from './data-centre.ts';
import { withUnread } from './unread.ts';
import { type RouteProblem, toUpstreams } from './upstreams.ts';
import { followWeights, type KnownWeights } from './weights.ts';

export interface FollowUpstreamsOptions {
  dataCentres: readonly FollowedDataCentre[];
  install: string;
  signal: AbortSignal;
  /** Called with the whole list whenever it differs from the last one. */
  onChange: (upstreams: Upstream[], problems: RouteProblem[]) => void;
  /** What the balancer has from an earlier process: the holders of routes, members and weights. */
  previous?: Upstream[];
  /** How requests are shared; default: all instances count the same. */
  traffic?: Pick<TrafficStore, 'all' | 'watch'> | undefined;
  /** Milliseconds between full readings (default 30,000, a fifth of it at random). */
  resyncMs?: number;
  log: Log;
}

export interface FollowedUpstreams {
  /** How fresh it is what is known of each data centre. */
  syncs(): Sync[];
  /** Resolves when `signal` aborts. Until a Marathon has answered once, nothing is called back. */
  run(): Promise<void>;
}

export function followUpstreams(options: FollowUpstreamsOptions): FollowedUpstreams {
  const { dataCentres, install, signal, resyncMs, log } = options;
  const weights = weightsOf(options, () => publish());
  const followed: FollowedApps[] = dataCentres.map((dataCentre) =>
    followDataCentre({
      ...{ dataCentre, install, signal, resyncMs, log },
      onNews: (news) => publish(news),
    }),
  );
  const publish = createPublisher(options, followed, weights.current);
  return {
    syncs: () => followed.map(({ sync }) => sync()),
    run: async () => {
      await Promise.all([...followed, weights].map(({ run }) => run()));
    },
  };
}

/** Where nobody keeps weights there is nothing to follow. */
function weightsOf({ traffic, signal, log }: FollowUpstreamsOptions, onRead: () => void) {
  const nothing = { current: (): KnownWeights => new Map(), run: async () => undefined };
  return traffic ? followWeights({ traffic, onRead, signal, log }) : nothing;
}

/** Calls onChange when what follows from the apps is other than before. */
function createPublisher(
  { install, previous: applied = [], onChange, log }: FollowUpstreamsOptions,
  followed: FollowedApps[],
  weights: () => KnownWeights,
) {
  let previous = applied;
  let last = '';
  return ({ byEvent = false } = {}) => {
    const unread = followed.filter(({ sync }) => sync().syncedAt === undefined);
    if (unread.length === followed.length) return;
    const apps = followed.flatMap((each) => each.apps());
    const decided = toUpstreams(apps, { install, previous, weights: weights() });
    const { problems } = decided;
    const served = byEvent ? keepLast(decided.upstreams, previous) : decided.upstreams;
    const placed = followed.length > 1 ? withPlaces(served, apps) : served;
    const upstreams = withUnread(placed, {
      ...{ previous, apps },
      unread: unread.map(({ name }) => name),
    });
    previous = upstreams;
    const text = JSON.stringify([upstreams, problems]);
    if (text === last) return;
    last = text;
    for (const problem of problems) log.warn({ ...problem }, 'a route is not served');
    onChange(upstreams, problems);
  };
}

/**
 * Leaves an app what it had rather than nothing: its new instances may be healthy already, which
 * only the answer can tell, and until then one that is about to end still serves.
 */
function keepLast(upstreams: Upstream[], previous: Upstream[]): Upstream[] {
  const before = new Map(previous.map(({ app, members }) => [app, members]));
  return upstreams.map((upstream) =>
    upstream.members.some(({ weight }) => weight > 0)
      ? upstream
      : { ...upstream, members: before.get(upstream.app) ?? [] },
  );
}

/** Notes of each instance where it runs, for a later process that cannot ask there. */
function withPlaces(
  upstreams: Upstream[],
  apps: { dataCentre?: string; tasks: { id: string }[] }[],
): Upstream[] {
  const places = new Map(
    apps.flatMap(({ tasks, dataCentre }) => tasks.map(({ id }) => [id, dataCentre] as const)),
  );
  return upstreams.map((upstream) => ({
    ...upstream,
    members: upstream.members.map((member) => {
      const dataCentre = places.get(member.instance) ?? member.dataCentre;
      return dataCentre === undefined ? member : { ...member, dataCentre };
    }),
  }));
}
