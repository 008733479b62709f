/** Keeps the records and Docker in step: adopts, buries and sweeps containers, by events and by a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { messageOf } from '../../core/errors.ts';
import { taskIdOf } from '../apps/app-id.ts';
import type { Context } from '../context.ts';
import type { Reconciler } from '../deployments/reconciler.ts';
import type { Found } from '../docker/docker-host.ts';
import type { Outputs } from '../sandbox/outputs.ts';
import type { Instance } from '../state/cluster.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Terminator } from './terminator.ts';

interface SupervisorOptions extends Context {
  lifecycle: Lifecycle;
  reconciler: Reconciler;
  terminator: Terminator;
  outputs: Outputs;
  isLaunching: (instance: Instance) => boolean;
  /** A running container that an earlier process of the engine started. */
  onAdopted: (instance: Instance) => void;
}

/** After a reboot all containers are dead, and clearing up after each takes Docker a tenth of a second. */
const AT_ONCE = 8;

/** Docker's events are a hint only; this often the truth is read again. */
const PERIOD_MS = 3_000;

/** Checks between two looks at the sandboxes of dead tasks. */
const CHECKS_PER_PRUNING = 20;

/** An unknown container may be one whose launch broke off a moment ago; it goes at the second sight. */
const SIGHTINGS_BEFORE_REMOVAL = 2;

const RECONNECT_MS = 500;

/** What is wrong for long is told again after this time. */
const REPEAT_WARNING_MS = 60_000;

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new Supervisor(options);
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #strangers = new Map<string, number>();
  readonly #limit = pLimit(AT_ONCE);
  #warned = { problem: '', at: 0 };

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
    const { cluster, dockerHost } = this.#options;
    const containers = byTask(await dockerHost.list());
    await Promise.all(
      cluster
        .instances()
        .map((instance) =>
          this.#limit(() => this.#adoptOne(instance, containers.get(taskIdOf(instance)))),
        ),
    );
    for (const found of containers.values()) {
      if (this.#isStray(found)) await dockerHost.remove(found.containerId);
    }
  }

  async #adoptOne(instance: Instance, found: Found | undefined): Promise<void> {
    const { cluster, terminator, outputs, onAdopted, ports } = this.#options;
    const { condition } = instance;
    if (condition === 'Scheduled' || condition === 'Staging') {
      return this.#restage(instance, found);
    }
    ports.reserve(instance.ports);
    const app = cluster.definitionOf(instance);
    // What it printed while no engine was there to listen is kept too.
    if (found && app) outputs.follow(instance, app);
    if (condition === 'Killing') terminator.resume(instance);
    else if (found?.running) onAdopted(instance);
    else await terminator.bury(instance);
  }

  /** A container that runs was made to its end; a half-made one is thrown away. */
  async #restage(instance: Instance, found: Found | undefined): Promise<void> {
    const { dockerHost, cluster, lifecycle, ports, terminator, onAdopted } = this.#options;
    const app = cluster.definitionOf(instance);
    const isStaging = instance.condition === 'Staging' && instance.goal === 'Running';
    const started = found && isStaging && (await dockerHost.startedOf(found.containerId));
    if (started && app) {
      ports.reserve(instance.ports);
      lifecycle.running(instance, app, started);
      onAdopted(instance);
      return;
    }
    if (found) await dockerHost.remove(found.containerId);
    if (instance.goal === 'Decommissioned') terminator.kill(instance);
    else Object.assign(instance, { condition: 'Scheduled', ports: [] });
  }

  /** Compares all tasks with all containers of this install. */
  async #check(): Promise<void> {
    const { cluster, dockerHost, terminator, reconciler } = this.#options;
    // Taken first: a container that starts meanwhile is then not missed in the older list.
    const instances = cluster.instances().filter(hasContainer);
    const containers = byTask(await dockerHost.list());
    const dead = instances.filter((one) => !containers.get(taskIdOf(one))?.running);
    await Promise.all(dead.map((one) => this.#limit(() => terminator.bury(one))));
    await this.#sweep([...containers.values()]);
    reconciler.touchAll();
  }

  async #sweep(containers: Found[]): Promise<void> {
    const { dockerHost, log } = this.#options;
    const seen = new Map(this.#strangers);
    this.#strangers.clear();
    for (const found of containers) {
      if (!this.#isStray(found)) continue;
      const { containerId, taskId } = found;
      const times = (seen.get(containerId) ?? 0) + 1;
      if (times < SIGHTINGS_BEFORE_REMOVAL) this.#strangers.set(containerId, times);
      else {
        log.info({ taskId, containerId }, 'removing a container that no task knows');
        await dockerHost.remove(containerId);
      }
    }
  }

  /** No task knows it, and no other engine made it, which may work from another folder. */
  #isStray({ taskId, frameworkId: maker }: Found): boolean {
    const { cluster, frameworkId } = this.#options;
    return !cluster.findTask(taskId) && (maker === '' || maker === frameworkId);
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
    const [problem, at] = [messageOf(error), Date.now()];
    const isKnown = problem === this.#warned.problem && at < this.#warned.at + REPEAT_WARNING_MS;
    if (signal.aborted || isKnown) return;
    this.#warned = { problem, at };
    log.warn({ error: problem }, 'Docker does not answer well');
  };
}

export type { Supervisor };

function byTask(containers: Found[]): Map<string, Found> {
  return new Map(containers.map((found) => [found.taskId, found]));
}

function hasContainer({ condition, containerId }: Instance): boolean {
  return containerId !== undefined && (condition === 'Running' || condition === 'Killing');
}
