/** Leg 4: follows what runs in Marathon and has the balancer spread requests over it. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Sync } from '../core/sync.ts';
import type { TrafficStore } from '../core/traffic.ts';
import type { Balancer, Upstream } from '../core/upstream.ts';
import type { FollowedDataCentre } from './data-centre.ts';
import { createResolver } from './resolve.ts';
import type { RouteProblem } from './upstreams.ts';
import { type FollowedUpstreams, followUpstreams } from './watch.ts';

/** What the balancer answers with since `at` (milliseconds since 1970). */
export interface AppliedReport {
  upstreams: Upstream[];
  problems: RouteProblem[];
  at: number;
}

export interface DiscoveryOptions {
  dataCentres: readonly FollowedDataCentre[];
  /** A started balancer. */
  nginx: Balancer;
  install: string;
  /** How requests are shared; default: all instances count the same. */
  traffic?: Pick<TrafficStore, 'all' | 'watch'>;
  log: Log;
  onApplied?: (report: AppliedReport) => void;
}

export interface Discovery {
  start(): Promise<void>;
  /** How fresh it is what is known of each data centre; none before the start. */
  syncs(): Sync[];
  /** The balancer keeps what it has. */
  stop(): Promise<void>;
}

/** One loop reads Marathon, one applies; what comes while a list is applied waits as one newer list. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { dataCentres, nginx, install, traffic, log } = options;
  const aborter = new AbortController();
  const { signal } = aborter;
  const applier = createApplier({ ...options, signal });
  let loops: Promise<unknown> = Promise.resolve();
  let followed: FollowedUpstreams | undefined;

  return {
    start: async () => {
      const previous = await nginx.current();
      const onChange = applier.want;
      followed = followUpstreams({
        ...{ dataCentres, install, traffic, signal, onChange, previous, log },
      });
      loops = Promise.all([followed.run(), applier.run()]);
    },
    syncs: () => followed?.syncs() ?? [],
    stop: async () => {
      aborter.abort();
      await loops;
    },
  };
}

// Names of nodes are looked up again and a balancer that was changed by hand is put right.
const refreshMs = 30_000;
const longestPauseMs = 10_000;

function createApplier(options: DiscoveryOptions & { signal: AbortSignal }) {
  const { nginx, signal, log, onApplied } = options;
  const resolveNames = createResolver({ log });
  let wanted: Omit<AppliedReport, 'at'> | undefined;
  let isNew = false;
  let wake = new AbortController();
  let failures = 0;

  async function applyOnce(): Promise<number> {
    if (wanted === undefined) return refreshMs;
    const { upstreams, problems } = wanted;
    const report = isNew;
    isNew = false;
    try {
      await nginx.apply(await resolveNames(upstreams));
      failures = 0;
      if (report) onApplied?.({ upstreams, problems, at: Date.now() });
      return refreshMs;
    } catch (error) {
      isNew ||= report;
      failures += 1;
      log.error(
        { error: messageOf(error) },
        'upstreams cannot be applied; the old ones are served',
      );
      return Math.min(longestPauseMs, 250 * 2 ** Math.min(failures, 10));
    }
  }

  return {
    want(upstreams: Upstream[], problems: RouteProblem[]): void {
      wanted = { upstreams, problems };
      isNew = true;
      wake.abort();
    },
    async run(): Promise<void> {
      while (!signal.aborted) {
        wake = new AbortController();
        const pause = await applyOnce();
        const either = AbortSignal.any([signal, wake.signal]);
        await delay(pause, undefined, { signal: either }).catch(() => undefined);
      }
    },
  };
}
