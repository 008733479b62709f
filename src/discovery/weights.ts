/** How a service's requests are shared among its instances, in Redis and where nothing is kept there. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MarathonApp, MarathonTask } from '../clients/marathon.ts';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { placedApp, type TrafficStore, type Weights, weightIn } from '../core/traffic.ts';
import { weightByPercent } from './percent.ts';

/** Weights by service, as they were read last; undefined before that. */
export type KnownWeights = ReadonlyMap<string, Weights> | undefined;

/** An app, and the data centre that it is in where there are several. */
export type WeighedApp = MarathonApp & { dataCentre?: string };

export interface WeighOptions {
  /** All apps of one service that have instances which can take requests. */
  serving: WeighedApp[];
  /** Undefined while they could not be read. */
  kept: Weights | undefined;
  /** Weights that the balancer gives its instances now. */
  before: ReadonlyMap<string, number>;
}

/**
 * Answers how much an instance weighs. Of two apps of one service that nothing is kept of, only the one of
 * the older release gets requests: the other one is being tried, and nobody has said yet how it went. Where
 * no app would get any, as when a switch is heard of before the instances that it is to, all do.
 */
export function weigher({ serving, kept, before }: WeighOptions) {
  const shared = new Map(serving.map((app) => [keyOf(app), weightOf(app, serving, kept)]));
  const isAnyTaking = [...shared.values()].some((weight) => weight > 0);
  return (app: WeighedApp, { id }: Pick<MarathonTask, 'id'>): number => {
    const own = kept === undefined ? before.get(id) : kept[id];
    return own ?? (isAnyTaking ? (shared.get(keyOf(app)) ?? 1) : 1);
  };
}

function keyOf({ id, dataCentre = '' }: WeighedApp): string {
  return placedApp(id, dataCentre);
}

function weightOf(app: WeighedApp, serving: WeighedApp[], kept: Weights = {}): number {
  const weight = weightOfApp(app, serving, kept);
  const [other] = othersOf(app, serving);
  if (!other || weight === 0 || weightOfApp(other, serving, kept) === 0) return weight;
  return weightByPercent(app, other, kept) ?? weight;
}

function weightOfApp(app: WeighedApp, serving: WeighedApp[], kept: Weights): number {
  const unsaid = othersOf(app, serving).every((other) => isOlder(app, other)) ? 1 : 0;
  return weightIn(kept, { app: app.id, dataCentre: app.dataCentre }) ?? unsaid;
}

function othersOf({ id, dataCentre }: WeighedApp, serving: WeighedApp[]): WeighedApp[] {
  return serving.filter((other) => other.id !== id && other.dataCentre === dataCentre);
}

function isOlder(app: MarathonApp, than: MarathonApp): boolean {
  const [own, others] = [app, than].map(({ labels }) => Number(labels['ekiden.release'] ?? 0));
  return own === others ? app.id < than.id : (own ?? 0) < (others ?? 0);
}

export interface FollowWeightsOptions {
  traffic: Pick<TrafficStore, 'all' | 'watch'>;
  /** Called after they were read. */
  onRead: () => void;
  signal: AbortSignal;
  log: Log;
  /** Milliseconds between readings without a hint. */
  every?: number;
}

export interface FollowedWeights {
  current(): KnownWeights;
  /** Resolves when `signal` aborts. */
  run(): Promise<void>;
}

const retryMs = 1_000;

/** Reads them at each hint, and now and then; while Redis is away the last ones stay. */
export function followWeights(options: FollowWeightsOptions): FollowedWeights {
  const { traffic, onRead, signal, log, every = 30_000 } = options;
  let known: KnownWeights;
  let wake = new AbortController();
  let isHinted = false;

  async function read(): Promise<number> {
    isHinted = false;
    try {
      known = await traffic.all();
      onRead();
      return isHinted ? 0 : every;
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'weights could not be read');
      return retryMs;
    }
  }

  async function readOn(): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController();
      const pause = await read();
      const either = AbortSignal.any([signal, wake.signal]);
      await delay(pause, undefined, { signal: either }).catch(() => undefined);
    }
  }

  const hint = () => {
    isHinted = true;
    wake.abort();
  };
  return {
    current: () => known,
    run: async () => {
      await Promise.all([traffic.watch(hint, signal), readOn()]);
    },
  };
}
