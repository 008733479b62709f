/** Keeps the list of upstreams true to Marathon: events are hints, answers are the truth. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Marathon, MarathonApp, MarathonEvent } from '../clients/marathon.ts';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Upstream } from '../core/upstream.ts';
import { hintTypes, readHint } from './hints.ts';
import { createReader } from './reader.ts';
import { installLabel, type RouteProblem, toUpstreams } from './upstreams.ts';
import { createView } from './view.ts';

export interface FollowUpstreamsOptions {
  marathon: Pick<Marathon, 'app' | 'apps' | 'follow'>;
  install: string;
  signal: AbortSignal;
  /** Called with the whole list whenever it differs from the last one. */
  onChange: (upstreams: Upstream[], problems: RouteProblem[]) => void;
  /** What the balancer has from an earlier process: the holders of routes. */
  previous?: Upstream[];
  /** Milliseconds between full readings (default 30,000, a fifth of it at random). */
  resyncMs?: number;
  log: Log;
}

const longestRetryMs = 5_000;

/** Resolves when `signal` aborts. Until Marathon has answered once, nothing is called back. */
export async function followUpstreams(options: FollowUpstreamsOptions): Promise<void> {
  const { marathon, signal, log } = options;
  const view = createView();
  const publish = createPublisher(options, view.list);
  const resync = createResync({ ...options, view, publish });
  const reader = createReader({
    signal,
    read: async (id) => {
      const asked = view.epoch();
      const app = await marathon.app(id, { signal });
      view.put(id, app?.labels[installLabel] === options.install ? app : undefined, asked);
      publish();
    },
    onError: (id, error) =>
      log.warn({ app: id, error: messageOf(error) }, 'an app could not be read from Marathon'),
  });

  const onEvent = (event: MarathonEvent) => {
    const hint = readHint(event);
    const relevant = hint.apps.filter((id) => hint.definition || view.has(id) || reader.isBusy(id));
    if (hint.leaving && relevant.length > 0 && view.remove(hint.leaving, relevant)) {
      publish({ byEvent: true });
    }
    for (const id of relevant) reader.request(id);
  };
  await Promise.all([
    marathon.follow({ types: hintTypes, onEvent, onConnect: resync.now, signal }),
    resync.run(),
  ]);
}

type View = ReturnType<typeof createView>;

/** Calls onChange when what follows from the apps is other than before. */
function createPublisher(options: FollowUpstreamsOptions, list: () => MarathonApp[]) {
  let previous = options.previous ?? [];
  let last = '';
  return ({ byEvent = false } = {}) => {
    const decided = toUpstreams(list(), { install: options.install, previous });
    const { problems } = decided;
    const upstreams = byEvent ? keepLast(decided.upstreams, previous) : decided.upstreams;
    previous = upstreams;
    const text = JSON.stringify([upstreams, problems]);
    if (text === last) return;
    last = text;
    for (const problem of problems) options.log.warn({ ...problem }, 'a route is not served');
    options.onChange(upstreams, problems);
  };
}

/**
 * Leaves an app what it had rather than nothing: its new instances may be healthy already, which
 * only the answer can tell, and until then one that is about to end still serves.
 */
function keepLast(upstreams: Upstream[], previous: Upstream[]): Upstream[] {
  const before = new Map(previous.map(({ app, members }) => [app, members]));
  return upstreams.map((upstream) =>
    upstream.members.length > 0
      ? upstream
      : { ...upstream, members: before.get(upstream.app) ?? [] },
  );
}

/** Reads all apps now and then, and at once after every connect. */
function createResync(options: FollowUpstreamsOptions & { view: View; publish: () => void }) {
  const { marathon, install, signal, view, publish, log, resyncMs = 30_000 } = options;
  const retryMs = Math.min(longestRetryMs, resyncMs);
  let wake = new AbortController();
  let suspicious = false;

  async function readAll(): Promise<number> {
    const asked = view.epoch();
    const apps = await marathon.apps({ label: `${installLabel}==${install}`, signal });
    // A Marathon that has just lost its memory must not empty the balancers: ask it twice.
    suspicious = apps.length === 0 && view.size() > 0 && !suspicious;
    if (suspicious) {
      log.warn({}, 'Marathon suddenly knows no app; the old ones are kept until it says so again');
      return retryMs;
    }
    view.putAll(apps, asked);
    publish();
    return resyncMs * (0.9 + Math.random() * 0.2);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController();
      const pause = await readAll().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error: messageOf(error) }, 'Marathon could not be read');
        return retryMs;
      });
      const either = AbortSignal.any([signal, wake.signal]);
      await delay(pause, undefined, { signal: either }).catch(() => undefined);
    }
  }
  return { now: () => wake.abort(), run };
}
