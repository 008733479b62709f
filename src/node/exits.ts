/** Remembers how containers of tasks ended, as Docker's events tell. */
import { LRUCache } from 'lru-cache';
import type { InstanceExit } from '../core/node.ts';
import type { ContainerEvent } from './docker-events.ts';

export interface Exits {
  note(event: ContainerEvent): void;
  of(task: string): InstanceExit | undefined;
}

const mostRemembered = 1_000;

/** Milliseconds; one that goes on for longer has survived that a process of it was killed. */
const deadly = 10_000;

export function createExits(now = Date.now): Exits {
  const exits = new LRUCache<string, InstanceExit>({ max: mostRemembered });
  const outOfMemoryAt = new LRUCache<string, number>({ max: mostRemembered });

  return {
    note({ action, task, exitCode }) {
      if (action === 'start') exits.delete(task);
      if (action === 'oom') {
        outOfMemoryAt.set(task, now());
        const exit = exits.get(task);
        // The kernel's word and that of the process's end come by different ways.
        if (exit) exits.set(task, { ...exit, outOfMemory: true });
      }
      if (action !== 'die') return;
      const outOfMemory = now() - (outOfMemoryAt.get(task) ?? 0) < deadly;
      exits.set(task, { outOfMemory, ...(exitCode === undefined ? {} : { code: exitCode }) });
    },
    of: (task) => exits.get(task),
  };
}
