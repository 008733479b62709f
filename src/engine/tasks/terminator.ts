/** Ends tasks: announce, drain, stop, and clear up after every death, whoever caused it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { signalOf } from '../../core/ending.ts';
import { messageOf } from '../../core/errors.ts';
import { taskIdOf } from '../apps/app-id.ts';
import { healthOf } from '../checks/health.ts';
import type { Context } from '../context.ts';
import type { Exit } from '../docker/docker-host.ts';
import type { Cluster, Instance } from '../state/cluster.ts';
import type { End, Lifecycle } from './lifecycle.ts';

interface TerminatorOptions extends Context {
  lifecycle: Lifecycle;
  drainSeconds: number;
  /** True when a launch is at work that will see to the end of the instance. */
  abandonLaunch: (instance: Instance) => boolean;
  /** Ends the checks of an instance. */
  unwatch: (instance: Instance) => void;
  /** Resolves when all that the ended container printed is written. */
  finishOutput: (containerId: string) => Promise<void>;
}

/** Mesos' grace between SIGTERM and SIGKILL where the app says nothing. */
const DEFAULT_GRACE_SECONDS = 3;

/** With its container goes what was not written; a Docker that does not answer delays an end no longer. */
const LAST_OUTPUT_MS = 120_000;

const STOP_RETRY_MS = 5_000;

export function createTerminator(options: TerminatorOptions): Terminator {
  return new Terminator(options);
}

class Terminator {
  readonly #options: TerminatorOptions;
  /** Tasks whose death is being recorded. */
  readonly #burying = new Set<string>();

  constructor(options: TerminatorOptions) {
    this.#options = options;
  }

  /** Kills the task; what becomes of the instance is for its goal to say. */
  kill(instance: Instance): void {
    const { cluster, lifecycle, unwatch, abandonLaunch, drainSeconds } = this.#options;
    if (instance.condition === 'Killing') return;
    if (instance.condition === 'Running') {
      const drains = instance.killReason === undefined && isServing(cluster, instance);
      unwatch(instance);
      lifecycle.killing(instance);
      this.#stopInBackground(instance, drains ? drainSeconds * 1000 : 0);
    } else if (!abandonLaunch(instance)) {
      this.#end(instance, { state: 'TASK_KILLED', message: 'killed before it ran' });
    }
  }

  /** Goes on with a kill that an earlier process of the engine began. */
  resume(instance: Instance): void {
    this.#stopInBackground(instance, 0);
  }

  /** Records the end of a task whose container has ended; does nothing while it still runs. */
  async bury(instance: Instance): Promise<void> {
    const { dockerHost, cluster, signal } = this.#options;
    const { containerId } = instance;
    const taskId = taskIdOf(instance);
    if (containerId === undefined || this.#burying.has(taskId)) return;
    this.#burying.add(taskId);
    try {
      const exit = await dockerHost.exitOf(containerId);
      if (exit === undefined || !cluster.isCurrent(instance)) return;
      // What is dead fails its checks, and is not to be killed for that while its output is read.
      this.#options.unwatch(instance);
      await this.#lastOutput(containerId);
      // The next term finds the container as it is.
      if (signal.aborted) return;
      this.#end(instance, exit === 'gone' ? vanished(instance) : endOf(instance, exit));
      await dockerHost.remove(containerId);
    } finally {
      this.#burying.delete(taskId);
    }
  }

  #stopInBackground(instance: Instance, drainMs: number): void {
    const { signal, log } = this.#options;
    this.#stopAfter(instance, drainMs).catch((error: unknown) => {
      if (signal.aborted) return;
      log.error({ taskId: taskIdOf(instance), error: messageOf(error) }, 'a kill broke off');
    });
  }

  /** The container goes on serving while balancers take it out, then it is asked to end. */
  async #stopAfter(instance: Instance, drainMs: number): Promise<void> {
    const { dockerHost, cluster, signal, log } = this.#options;
    await sleep(drainMs, undefined, { signal });
    const app = cluster.definitionOf(instance);
    const grace = app?.taskKillGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    while (instance.containerId !== undefined && cluster.isCurrent(instance)) {
      try {
        await dockerHost.stop(instance.containerId, grace);
        await this.bury(instance);
        return;
      } catch (error) {
        log.warn({ taskId: taskIdOf(instance), error: messageOf(error) }, 'cannot stop a task');
        await sleep(STOP_RETRY_MS, undefined, { signal });
      }
    }
  }

  async #lastOutput(containerId: string): Promise<void> {
    const patience = new AbortController();
    const { signal } = patience;
    const timeout = sleep(LAST_OUTPUT_MS, undefined, { signal }).catch(() => undefined);
    await Promise.race([this.#options.finishOutput(containerId), timeout]);
    patience.abort();
  }

  #end(instance: Instance, how: End): void {
    this.#options.unwatch(instance);
    this.#options.ports.release(instance.ports);
    this.#options.lifecycle.ended(instance, how);
  }
}

export type { Terminator };

function isServing(cluster: Cluster, instance: Instance): boolean {
  const checks = cluster.definitionOf(instance)?.healthChecks?.length ?? 0;
  return checks === 0 || healthOf(checks, instance.health) === true;
}

function vanished(instance: Instance): End {
  if (instance.condition === 'Killing') return killed(instance, 'Container killed');
  return { state: 'TASK_FAILED', message: 'The container was removed by somebody else' };
}

function endOf(instance: Instance, exit: Exit): End {
  const message = describeExit(exit);
  if (instance.condition === 'Killing') return killed(instance, message);
  return { state: exit.code === 0 ? 'TASK_FINISHED' : 'TASK_FAILED', message };
}

function killed({ killReason }: Instance, message: string): End {
  return { state: 'TASK_KILLED', message: killReason ?? message };
}

/** Exit codes above 128 are those of processes that a signal ended. */
export function describeExit({ code, outOfMemory, error }: Exit): string {
  const status = `Container exited with status ${code}`;
  if (outOfMemory) return `${status}: out of memory`;
  if (error) return `${status}: ${error}`;
  const signal = signalOf(code);
  return signal === undefined ? status : `${status}: ended by ${signal}`;
}
