/** Follows the output of all running tasks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { App } from './app-definition.ts';
import { taskIdOf } from './app-id.ts';
import type { Instance } from './cluster.ts';
import type { Context } from './context.ts';
import { type FollowOptions, followOutput } from './output.ts';

type OutputsOptions = Pick<Context, 'dockerHost' | 'sandboxes' | 'signal' | 'log'>;

const RETRY_MS = 1000;

export type Outputs = ReturnType<typeof createOutputs>;

export function createOutputs({ dockerHost, sandboxes, signal, log }: OutputsOptions) {
  const following = new Map<string, Promise<void>>();

  /** Docker may close the stream of a container that goes on running, for instance when it is restarted. */
  async function followToTheEnd(options: FollowOptions): Promise<void> {
    while (!signal.aborted) {
      const broken = await followOutput(options).then(
        () => undefined,
        (error: unknown) => error,
      );
      const exit = await dockerHost.exitOf(options.containerId).catch(() => undefined);
      if (exit === 'gone' || (exit && !broken)) return;
      if (exit) throw broken;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  return {
    follow: (instance: Instance, app: App): void => {
      const { containerId } = instance;
      if (containerId === undefined) return;
      const taskId = taskIdOf(instance);
      const sandbox = sandboxes.path(taskId);
      const { docker } = dockerHost;
      const output = followToTheEnd({ docker, containerId, sandbox, tty: app.tty === true, signal })
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({ taskId, error: messageOf(error) }, 'output was lost');
        })
        .finally(() => following.delete(containerId));
      following.set(containerId, output);
    },

    /** Resolves when all output of the container is written. */
    of: (containerId: string): Promise<void> => following.get(containerId) ?? Promise.resolve(),

    all: async (): Promise<void> => {
      await Promise.all(following.values());
    },
  };
}
