/** Follows what happens to containers in Docker; an event is a hint to look, and nothing more. */
import { once } from 'node:events';
import { addAbortSignal, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Docker } from '../clients/docker.ts';
import { taskLabel } from './container.ts';

const retryEvery = 2_000;

export interface DockerHintsOptions {
  docker: Docker;
  onHint(): void;
  signal: AbortSignal;
}

/** Hints at each connection too, since events are lost in between; goes on until `signal` fires. */
export async function followDocker({ docker, onHint, signal }: DockerHintsOptions): Promise<void> {
  const filters = {
    label: [taskLabel],
    type: ['container' as const],
    event: ['start', 'die', 'destroy'],
  };
  while (!signal.aborted) {
    try {
      const options = { filters, abortSignal: signal };
      const stream = (await docker.getEvents(options)) as unknown as Readable;
      addAbortSignal(signal, stream);
      onHint();
      stream.on('data', onHint);
      await once(stream, 'close');
    } catch {
      // A Docker that is away is told of by the list, which runs on a timer.
    }
    await delay(retryEvery, undefined, { signal }).catch(() => undefined);
  }
}
