/** Keeps the records and Docker in step: adopts, buries and sweeps containers, by events and by a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { taskIdOf } from './app-id.ts';
import type { Instance } from './cluster.ts';
import type { Context } from './context.ts';
import type { Found } from './docker-host.ts';
import type { Reconciler } from './reconciler.ts';
import type { Terminator } from './terminator.ts';

interface SupervisorOptions extends Context {
  reconciler: Reconciler;
  terminator: Terminator;
  isLaunching: (instance: Instance) => boolean;
  /** A running container that an earlier process of the engine started. */
  onAdopted: (instance: Instance) => void;
}

/** Docker's events are a hint only; this often the truth is read again. */
const PERIOD_MS = 3_000;

/** Checks between two looks at the sandboxes of dead tasks. */
const CHECKS_PER_PRUNING = 20;

/** An unknown container may be one whose launch broke off a moment ago; it goes at the second sight. */
const SIGHTINGS_BEFORE_REMOVAL = 2;

const RECONNECT_MS = 500;

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new Supervisor(options);
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #strangers = new Map<string, number>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Resolves when all that runs is adopted; goes on in the background until the signal fires. */
  async start(): Promise<void> {
    await this.#adopt();
    this.#inBackground(this.#followDeaths());
    this.#inBackground(this.#checkRegularly());
  }

  /** After a start of the engine: takes over what runs, and launches anew what was being launched. */
  async #adopt(): Promise<void> {
    const { cluster, dockerHost, terminator, onAdopted, ports } = this.#options;
    const containers = byTask(await dockerHost.list());
    for (const instance of cluster.instances()) {
      const found = containers.get(taskIdOf(instance));
      if (instance.condition === 'Scheduled') continue;
      if (instance.condition === 'Staging') {
        await this.#restage(instance, found);
        continue;
      }
      ports.reserve(instance.ports);
      if (instance.condition === 'Killing') terminator.resume(instance);
      else if (found?.running) onAdopted(instance);
      else await terminator.bury(instance);
    }
    for (const { taskId, containerId } of containers.values()) {
      if (!cluster.findTask(taskId)) await dockerHost.remove(containerId);
    }
  }

  /** A half-made container is thrown away: whether it was set up to its end is not known. */
  async #restage(instance: Instance, found: Found | undefined): Promise<void> {
    if (found) await this.#options.dockerHost.remove(found.containerId);
    if (instance.goal === 'Decommissioned') this.#options.terminator.kill(instance);
    else Object.assign(instance, { condition: 'Scheduled', ports: [] });
  }

  /** Compares all tasks with all containers of this install. */
  async #check(): Promise<void> {
    const { cluster, dockerHost, terminator, reconciler } = this.#options;
    // Taken first: a container that starts meanwhile is then not missed in the older list.
    const instances = cluster.instances().filter(hasContainer);
    const containers = byTask(await dockerHost.list());
    for (const instance of instances) {
      if (!containers.get(taskIdOf(instance))?.running) await terminator.bury(instance);
    }
    await this.#sweep([...containers.values()]);
    reconciler.touchAll();
  }

  async #sweep(containers: Found[]): Promise<void> {
    const { cluster, dockerHost, log } = this.#options;
    const seen = new Map(this.#strangers);
    this.#strangers.clear();
    for (const { containerId, taskId } of containers) {
      if (cluster.findTask(taskId)) continue;
      const times = (seen.get(containerId) ?? 0) + 1;
      if (times < SIGHTINGS_BEFORE_REMOVAL) this.#strangers.set(containerId, times);
      else {
        log.info({ taskId, containerId }, 'removing a container that no task knows');
        await dockerHost.remove(containerId);
      }
    }
  }

  async #followDeaths(): Promise<void> {
    const { cluster, dockerHost, terminator, isLaunching, signal } = this.#options;
    const onDeath = (taskId: string) => {
      const instance = cluster.findTask(taskId);
      if (instance && !isLaunching(instance)) this.#inBackground(terminator.bury(instance));
    };
    while (!signal.aborted) {
      await dockerHost.watchDeaths(onDeath, signal).catch(this.#warn);
      await this.#pause(RECONNECT_MS);
    }
  }

  async #checkRegularly(): Promise<void> {
    const { signal, cluster, sandboxes } = this.#options;
    for (let round = 1; !signal.aborted; round++) {
      await this.#pause(PERIOD_MS);
      if (signal.aborted) return;
      await this.#check().catch(this.#warn);
      if (round % CHECKS_PER_PRUNING !== 0) continue;
      const alive = new Set(cluster.instances().map(taskIdOf));
      await sandboxes.prune(alive).catch(this.#warn);
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }

  #inBackground(work: Promise<void>): void {
    work.catch(this.#warn);
  }

  readonly #warn = (error: unknown): void => {
    const { signal, log } = this.#options;
    if (!signal.aborted) log.warn({ error: messageOf(error) }, 'Docker does not answer well');
  };
}

export type { Supervisor };

function byTask(containers: Found[]): Map<string, Found> {
  return new Map(containers.map((found) => [found.taskId, found]));
}

function hasContainer({ condition, containerId }: Instance): boolean {
  return containerId !== undefined && (condition === 'Running' || condition === 'Killing');
}
