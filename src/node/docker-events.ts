/** Follows what Docker tells of containers: hints to look again, and how each ended. */
import { once } from 'node:events';
import { addAbortSignal, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Docker } from '../clients/docker.ts';
import { parseJson } from '../core/json.ts';
import { taskLabel } from './container.ts';

/** An event of the container of a task. */
export interface ContainerEvent {
  action: string;
  task: string;
  /** With `die`. */
  exitCode?: number;
}

export interface DockerHintsOptions {
  docker: Docker;
  /** Something has changed, or may have while nobody listened. */
  onHint: () => void;
  onEvent: (event: ContainerEvent) => void;
  signal: AbortSignal;
}

const retryEvery = 2_000;

const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({ Attributes: z.record(z.string(), z.string()) }),
});

/** Hints at each connection too, since events are lost in between; goes on until `signal` fires. */
export async function followDocker(options: DockerHintsOptions): Promise<void> {
  const { docker, onHint, signal } = options;
  const filters = {
    label: [taskLabel],
    type: ['container' as const],
    event: ['start', 'oom', 'die', 'destroy'],
  };
  while (!signal.aborted) {
    try {
      const wanted = { filters, abortSignal: signal };
      const stream = (await docker.getEvents(wanted)) as unknown as Readable;
      addAbortSignal(signal, stream);
      onHint();
      stream.on('data', readerOf(options));
      await once(stream, 'close');
    } catch {
      // A Docker that is away is told of by the list, which runs on a timer.
    }
    await delay(retryEvery, undefined, { signal }).catch(() => undefined);
  }
}

/** Docker sends one JSON object a line; a line may come in pieces. */
function readerOf({ onHint, onEvent }: DockerHintsOptions): (chunk: unknown) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = eventOf(line);
      if (event) onEvent(event);
    }
    onHint();
  };
}

function eventOf(line: string): ContainerEvent | undefined {
  const parsed = eventSchema.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { [taskLabel]: task, exitCode } = parsed.data.Actor.Attributes;
  if (task === undefined) return undefined;
  const code = exitCode === undefined ? Number.NaN : Number(exitCode);
  return {
    ...{ action: parsed.data.Action, task },
    ...(Number.isInteger(code) ? { exitCode: code } : {}),
  };
}
