/** Ends tasks: announce, drain, stop, and clear up after every death, whoever caused it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { taskIdOf } from './app-id.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { DockerHost, Exit } from './docker-host.ts';
import { healthOf } from './health.ts';
import type { End, Lifecycle } from './lifecycle.ts';
import type { PortAllocator } from './ports.ts';
import type { Sandboxes } from './sandbox.ts';

interface TerminatorOptions {
  cluster: Cluster;
  lifecycle: Lifecycle;
  dockerHost: DockerHost;
  ports: PortAllocator;
  sandboxes: Sandboxes;
  drainSeconds: number;
  signal: AbortSignal;
  log: Log;
  isLaunching: (instance: Instance) => boolean;
  /** Stops the checks of an instance. */
  unwatch: (instance: Instance) => void;
  /** Resolves when all output of the container is written. */
  outputOf: (containerId: string) => Promise<void>;
}

export type Terminator = ReturnType<typeof createTerminator>;

/** Mesos' grace between SIGTERM and SIGKILL where the app says nothing. */
const DEFAULT_GRACE_SECONDS = 3;

const LAST_OUTPUT_MS = 500;

const STOP_RETRY_MS = 5_000;

export function createTerminator(options: TerminatorOptions) {
  const { cluster, lifecycle, dockerHost, ports, sandboxes, signal, log } = options;
  /** Tasks whose death is being recorded. */
  const burying = new Set<string>();

  /** The container goes on serving while balancers take it out, then it is asked to end. */
  async function stopAfter(instance: Instance, drainMs: number): Promise<void> {
    await sleep(drainMs, undefined, { signal, ref: false });
    const app = cluster.definitionOf(instance);
    const grace = app?.taskKillGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    while (instance.containerId !== undefined && isCurrent(cluster, instance)) {
      try {
        await dockerHost.stop(instance.containerId, grace);
        return await bury(instance);
      } catch (error) {
        log.warn({ taskId: taskIdOf(instance), error: messageOf(error) }, 'cannot stop a task');
        await sleep(STOP_RETRY_MS, undefined, { signal, ref: false });
      }
    }
  }

  function stopInBackground(instance: Instance, drainMs: number): void {
    stopAfter(instance, drainMs).catch((error: unknown) => {
      if (signal.aborted) return;
      log.error({ taskId: taskIdOf(instance), error: messageOf(error) }, 'kill broke off');
    });
  }

  /** Records the end of a task whose container has ended; does nothing while it still runs. */
  async function bury(instance: Instance): Promise<void> {
    const { containerId } = instance;
    const taskId = taskIdOf(instance);
    if (containerId === undefined || burying.has(taskId)) return;
    burying.add(taskId);
    try {
      const exit = await dockerHost.exitOf(containerId);
      if (exit === undefined || !isCurrent(cluster, instance)) return;
      await Promise.race([
        options.outputOf(containerId),
        sleep(LAST_OUTPUT_MS, undefined, { ref: false }),
      ]);
      end(instance, exit === 'gone' ? vanished(instance) : endOf(instance, exit));
      await dockerHost.remove(containerId);
      await pruneSandboxes(instance.appId);
    } finally {
      burying.delete(taskId);
    }
  }

  function end(instance: Instance, how: End): void {
    options.unwatch(instance);
    ports.release(instance.ports);
    lifecycle.ended(instance, how);
  }

  async function pruneSandboxes(appId: string): Promise<void> {
    const alive = [...(cluster.records.get(appId)?.instances.values() ?? [])].map(taskIdOf);
    await sandboxes.prune(appId, new Set(alive));
  }

  return {
    bury,

    /** Goes on with a kill that an earlier process of the engine began. */
    resume: (instance: Instance): void => stopInBackground(instance, 0),

    /** Kills the task; what becomes of the instance is for its goal to say. */
    kill: (instance: Instance): void => {
      if (instance.condition === 'Killing') return;
      if (instance.condition === 'Running') {
        const drains = instance.killReason === undefined && isServing(cluster, instance);
        options.unwatch(instance);
        lifecycle.killing(instance);
        stopInBackground(instance, drains ? options.drainSeconds * 1000 : 0);
      } else if (!options.isLaunching(instance)) {
        end(instance, { state: 'TASK_KILLED', message: 'killed before it ran' });
      }
    },
  };
}

function isServing(cluster: Cluster, instance: Instance): boolean {
  const checks = cluster.definitionOf(instance)?.healthChecks?.length ?? 0;
  return checks === 0 || healthOf(checks, instance.health) === true;
}

/** False when the instance is gone or has a next task already. */
function isCurrent(cluster: Cluster, instance: Instance): boolean {
  return cluster.records.get(instance.appId)?.instances.get(instance.id) === instance;
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

const SIGNALS: Record<number, string> = {
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

/** Exit codes above 128 are those of processes that a signal ended. */
export function describeExit({ code, outOfMemory, error }: Exit): string {
  const status = `Container exited with status ${code}`;
  if (outOfMemory) return `${status}: out of memory`;
  if (error) return `${status}: ${error}`;
  if (code <= 128) return status;
  const signal = SIGNALS[code - 128] ?? `signal ${code - 128}`;
  return `${status}: ended by ${signal}`;
}
