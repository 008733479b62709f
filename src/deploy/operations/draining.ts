/** Takes instances out of the balancers before they are ended, since a real Marathon kills at once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Marathon, MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import { RemoteError } from '../../core/errors.ts';
import type { TrafficStore } from '../../core/traffic.ts';

export interface DrainingOptions {
  traffic: Pick<TrafficStore, 'drain'>;
  /** True when no balancer sends new requests to any of the instances. */
  isFree: (app: string, instances: string[]) => Promise<boolean>;
  /** Milliseconds that requests which are under way get to end. */
  lastRequests?: number;
}

/** Milliseconds after which whoever did not end after all gets requests again. */
const longestDrain = 60_000;

/** Milliseconds that balancers may take; one that does not follow must not hold everything up. */
const patience = 10_000;
const lookEvery = 50;

/** Milliseconds that requests which are under way get to end. */
export const defaultLastRequests = 2_000;

/** What the embedded engine calls its build. */
const engine = 'ekiden';

/** True where instances leave the balancers before they end whoever ends them, as on the embedded engine. */
export async function drainsItself(marathon: Pick<Marathon, 'info'>): Promise<boolean> {
  try {
    return (await marathon.info()).buildref === engine;
  } catch (error) {
    // One that lets nobody read about itself is none of ours.
    if (error instanceof RemoteError && !error.retryable) return false;
    throw error;
  }
}

/** Does the work once balancers have taken the instances of the service out, and takes that back if it fails. */
export async function drained<T>(
  options: DrainingOptions,
  { app, instances }: { app: string; instances: string[] },
  work: () => Promise<T>,
): Promise<T> {
  const { traffic, isFree, lastRequests = defaultLastRequests } = options;
  await traffic.drain(app, instances, longestDrain);
  const giveUp = Date.now() + patience;
  while (!(await isFree(app, instances)) && Date.now() < giveUp) await delay(lookEvery);
  await delay(lastRequests);
  try {
    return await work();
  } catch (error) {
    await traffic.drain(app, instances, 0);
    throw error;
  }
}

/**
 * Ids of the instances that go when the app shrinks to `wanted`: those first whose loss costs least, then
 * the youngest, as Marathon's killSelection has it. Undefined where Marathon alone knows, since some of
 * the instances that the app shall have are not there yet.
 */
export function victimsOf(
  { tasks, instances }: Pick<MarathonApp, 'tasks' | 'instances'>,
  wanted: number,
): string[] | undefined {
  if (tasks.length !== instances || wanted >= instances) return undefined;
  return tasks
    .toSorted((a, b) => worth(a) - worth(b) || startOf(b) - startOf(a))
    .slice(0, instances - wanted)
    .map(({ id }) => id);
}

function worth({ state, healthCheckResults }: MarathonTask): number {
  if (state !== 'TASK_RUNNING') return 0;
  return healthCheckResults.every(({ alive }) => alive) ? 2 : 1;
}

function startOf({ startedAt, stagedAt }: MarathonTask): number {
  return Date.parse(startedAt ?? stagedAt ?? '') || Number.MAX_SAFE_INTEGER;
}
