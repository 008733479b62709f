/** Keeps the records and Docker in step: adopts, buries and sweeps containers, by events and by a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { taskIdOf } from './app-id.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { DockerHost, Found } from './docker-host.ts';
import type { Reconciler } from './reconciler.ts';
import type { Terminator } from './terminator.ts';

interface SupervisorOptions {
  cluster: Cluster;
  dockerHost: DockerHost;
  reconciler: Reconciler;
  terminator: Terminator;
  signal: AbortSignal;
  log: Log;
  isLaunching: (instance: Instance) => boolean;
  /** A running container that an earlier process of the engine started. */
  onAdopted: (instance: Instance) => void;
}

/** Docker's events are a hint only; this often the truth is read again. */
const PERIOD_MS = 3_000;

/** An unknown container may be one whose launch broke off a moment ago; it goes at the second sight. */
const SIGHTINGS_BEFORE_REMOVAL = 2;

const RECONNECT_MS = 500;

export function createSupervisor(options: SupervisorOptions) {
  const { cluster, dockerHost, reconciler, terminator, signal, log } = options;
  const unknown = new Map<string, number>();

  /** Compares all tasks with all containers of this install. */
  async function check(): Promise<void> {
    // Listed first: a container that starts meanwhile is then known and not missed.
    const before = new Set(cluster.instances().filter(hasContainer));
    const containers = new Map((await dockerHost.list()).map((found) => [found.taskId, found]));
    for (const instance of before) {
      const found = containers.get(taskIdOf(instance));
      if (!found?.running) await terminator.bury(instance);
    }
    await sweep([...containers.values()]);
    reconciler.touchAll();
  }

  async function sweep(containers: Found[]): Promise<void> {
    const strangers = containers.filter(({ taskId }) => !cluster.findTask(taskId));
    const seen = new Map(unknown);
    unknown.clear();
    for (const { containerId, taskId } of strangers) {
      const times = (seen.get(containerId) ?? 0) + 1;
      if (times < SIGHTINGS_BEFORE_REMOVAL) unknown.set(containerId, times);
      else {
        log.info({ taskId, containerId }, 'removing a container that no task knows');
        await dockerHost.remove(containerId);
      }
    }
  }

  /** After a start of the engine: takes over what runs, and launches anew what was being launched. */
  async function adopt(): Promise<void> {
    const containers = new Map((await dockerHost.list()).map((found) => [found.taskId, found]));
    for (const instance of cluster.instances()) {
      const found = containers.get(taskIdOf(instance));
      if (instance.condition === 'Staging') await restage(instance, found);
      else if (instance.condition === 'Killing') terminator.resume(instance);
      else if (instance.condition === 'Running') {
        if (found?.running) options.onAdopted(instance);
        else await terminator.bury(instance);
      }
    }
    for (const { taskId, containerId } of containers.values()) {
      if (!cluster.findTask(taskId)) await dockerHost.remove(containerId);
    }
  }

  /** A half-made container is thrown away: whether it was set up to its end is not known. */
  async function restage(instance: Instance, found: Found | undefined): Promise<void> {
    if (found) await dockerHost.remove(found.containerId);
    if (instance.goal === 'Decommissioned') terminator.kill(instance);
    else instance.condition = 'Scheduled';
  }

  async function followDeaths(): Promise<void> {
    const onDeath = (taskId: string) => {
      const instance = cluster.findTask(taskId);
      if (instance && !options.isLaunching(instance)) run(terminator.bury(instance));
    };
    while (!signal.aborted) {
      await dockerHost.watchDeaths(onDeath, signal).catch(warn);
      await sleep(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async function checkRegularly(): Promise<void> {
    while (!signal.aborted) {
      await sleep(PERIOD_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await check().catch(warn);
    }
  }

  function warn(error: unknown): void {
    if (!signal.aborted) log.warn({ error: messageOf(error) }, 'Docker does not answer well');
  }

  function run(work: Promise<void>): void {
    work.catch(warn);
  }

  return {
    /** Resolves when all that runs is adopted; goes on in the background until the signal. */
    start: async (): Promise<void> => {
      await adopt();
      run(followDeaths());
      run(checkRegularly());
    },
  };
}

function hasContainer({ condition, containerId }: Instance): boolean {
  return containerId !== undefined && (condition === 'Running' || condition === 'Killing');
}
