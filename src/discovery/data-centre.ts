/** Follows the apps of one data centre: events are hints, answers are the truth. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Marathon, MarathonEvent } from '../clients/marathon.ts';
import { messageOf } from '../core/errors.ts';
import { type Log, withFields } from '../core/log.ts';
import type { Sync } from '../core/sync.ts';
import { hintTypes, readHint } from './hints.ts';
import { createReader } from './reader.ts';
import { installLabel } from './upstreams.ts';
import { createView } from './view.ts';
import type { WeighedApp } from './weights.ts';

/** One Marathon, by the name of its data centre. */
export interface FollowedDataCentre {
  name: string;
  marathon: Pick<Marathon, 'app' | 'apps' | 'follow'>;
}

export interface FollowOptions {
  dataCentre: FollowedDataCentre;
  install: string;
  signal: AbortSignal;
  /** Called when something is known that may change what is served. */
  onNews: (news: { byEvent: boolean }) => void;
  /** Milliseconds between full readings (default 30,000, a fifth of it at random). */
  resyncMs?: number | undefined;
  log: Log;
}

export interface FollowedApps {
  name: string;
  /** As last known; without answer there are those of before. */
  apps(): WeighedApp[];
  sync(): Sync;
  /** Resolves when `signal` aborts. */
  run(): Promise<void>;
}

const longestRetryMs = 5_000;

type State = ReturnType<typeof createState>;

export function followDataCentre(options: FollowOptions): FollowedApps {
  const { dataCentre, install, signal, onNews } = options;
  const { name, marathon } = dataCentre;
  const log = withFields(options.log, { dataCentre: name });
  const view = createView();
  const state = createState(name, log);
  const resync = createResync({ ...options, view, state, log });
  const reader = createReader({
    signal,
    read: async (id) => {
      const asked = view.epoch();
      const app = await marathon.app(id, { signal });
      view.put(id, app?.labels[installLabel] === install ? app : undefined, asked);
      onNews({ byEvent: false });
    },
    onError: (id, error) =>
      log.warn({ app: id, error: messageOf(error) }, 'an app could not be read from Marathon'),
  });

  const onEvent = (event: MarathonEvent) => {
    const hint = readHint(event);
    const relevant = hint.apps.filter((id) => hint.definition || view.has(id) || reader.isBusy(id));
    if (hint.leaving && relevant.length > 0 && view.remove(hint.leaving, relevant)) {
      onNews({ byEvent: true });
    }
    for (const id of relevant) reader.request(id);
  };
  const follow = () =>
    marathon.follow({
      ...{ types: hintTypes, onEvent, onConnect: resync.now, signal },
      onSign: state.noteSign,
    });

  return {
    name,
    apps: () => view.list().map((app) => ({ ...app, dataCentre: name })),
    sync: state.current,
    run: async () => {
      await Promise.all([follow(), resync.run()]);
    },
  };
}

/** How far what is known can be trusted, and a word to the log whenever that changes. */
function createState(dataCentre: string, log: Log) {
  const sync: Sync = { dataCentre };
  return {
    current: (): Sync => ({ ...sync }),
    noteSign() {
      sync.streamAt = Date.now();
    },
    /** All that Marathon said was asked for at `asked`. */
    noteAnswer(asked: number) {
      sync.syncedAt = asked;
      if (sync.awaySince !== undefined) log.info({}, 'the data centre answers again');
      delete sync.awaySince;
      delete sync.reason;
    },
    noteFailure(error: unknown) {
      if (sync.awaySince === undefined) {
        log.warn({ error: messageOf(error) }, 'Marathon could not be read; what was there stays');
      }
      sync.awaySince ??= Date.now();
      sync.reason = messageOf(error);
    },
  };
}

interface ResyncOptions extends FollowOptions {
  view: ReturnType<typeof createView>;
  state: State;
}

/** Reads all apps now and then, and at once after every connect. */
function createResync(options: ResyncOptions) {
  const { dataCentre, install, signal, view, state, onNews, log, resyncMs = 30_000 } = options;
  const retryMs = Math.min(longestRetryMs, resyncMs);
  let wake = new AbortController();
  let suspicious = false;

  async function readAll(): Promise<number> {
    const asked = view.epoch();
    const since = Date.now();
    const apps = await dataCentre.marathon.apps({ label: `${installLabel}==${install}`, signal });
    // A Marathon that has just lost its memory must not empty the balancers: ask it twice.
    suspicious = apps.length === 0 && view.size() > 0 && !suspicious;
    if (suspicious) {
      log.warn({}, 'Marathon suddenly knows no app; the old ones are kept until it says so again');
      return retryMs;
    }
    view.putAll(apps, asked);
    state.noteAnswer(since);
    onNews({ byEvent: false });
    return resyncMs * (0.9 + Math.random() * 0.2);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController();
      const pause = await readAll().catch((error: unknown) => {
        if (!signal.aborted) state.noteFailure(error);
        return retryMs;
      });
      const either = AbortSignal.any([signal, wake.signal]);
      await delay(pause, undefined, { signal: either }).catch(() => undefined);
    }
  }
  return { now: () => wake.abort(), run };
}
