/** Follows the output of all running tasks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import type { App } from '../apps/app-definition.ts';
import { taskIdOf } from '../apps/app-id.ts';
import type { Context } from '../context.ts';
import { hasTerminal } from '../launch/container-spec.ts';
import type { Instance } from '../state/cluster.ts';
import { createOutput, type OutputOptions } from './output.ts';

type OutputsOptions = Pick<Context, 'dockerHost' | 'sandboxes' | 'signal' | 'log'>;

interface Following {
  /** To be fired when the container is known to have ended. */
  ended: AbortController;
  /** Resolves when all output of the container is written. */
  done: Promise<void>;
}

const RETRY_MS = 1000;

/** Of a container that has ended; its log may be one that Docker cannot read. */
const MAX_FAILURES = 3;

export type Outputs = ReturnType<typeof createOutputs>;

export function createOutputs({ dockerHost, sandboxes, signal, log }: OutputsOptions) {
  const following = new Map<string, Following>();

  return {
    follow: (instance: Instance, app: App): void => {
      const { containerId } = instance;
      if (containerId === undefined || following.has(containerId)) return;
      const taskId = taskIdOf(instance);
      const sandbox = sandboxes.path(taskId);
      const { docker } = dockerHost;
      const ended = new AbortController();
      const options = { docker, containerId, sandbox, tty: hasTerminal(app) };
      const done = followToTheEnd(options, { dockerHost, signal, ended: ended.signal })
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({ taskId, error: messageOf(error) }, 'output was lost');
        })
        .finally(() => following.delete(containerId));
      following.set(containerId, { ended, done });
    },

    /** To be called when a container has ended; resolves when all that it printed is written. */
    finish: async (containerId: string): Promise<void> => {
      const one = following.get(containerId);
      one?.ended.abort();
      await one?.done;
    },

    all: async (): Promise<void> => {
      await Promise.all([...following.values()].map(({ done }) => done));
    },
  };
}

interface Watch extends Pick<Context, 'dockerHost' | 'signal'> {
  ended: AbortSignal;
}

/**
 * Only a reading that begins after the container's end is sure to be whole (moby issue 43860); one
 * that was begun before is not waited for once the end is known.
 */
async function followToTheEnd(options: OutputOptions, watch: Watch): Promise<void> {
  const { dockerHost, signal, ended } = watch;
  const output = createOutput(options);
  const either = AbortSignal.any([signal, ended]);
  let hasEnded = false;
  for (let failures = 0; !signal.aborted; ) {
    const broken = await output.read(hasEnded ? signal : either).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (signal.aborted) return;
    if (hasEnded && broken === undefined) return;
    if (hasEnded && ++failures === MAX_FAILURES) throw broken;
    const exit = await dockerHost.exitOf(options.containerId).catch(() => undefined);
    if (exit === 'gone') return;
    if (exit && !hasEnded) hasEnded = true;
    else await pause(ended.aborted ? signal : either);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
}
