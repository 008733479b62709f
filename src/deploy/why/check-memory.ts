/** Remembers what the checks of instances said last: once an instance is gone, Marathon does not tell. */
import { LRUCache } from 'lru-cache';
import type { MarathonApp } from '../../clients/marathon.ts';
import type { CheckAnswer } from '../../core/evidence.ts';
import { answersOf } from './why-checks.ts';

export interface CheckMemory {
  /** Notes the answers that Marathon shows of the app's instances now. */
  note(app: MarathonApp): void;
  /** Of an instance; empty where none was seen. */
  of(instance: string): CheckAnswer[];
}

const mostInstances = 2_000;

export function createCheckMemory(): CheckMemory {
  const answers = new LRUCache<string, CheckAnswer[]>({ max: mostInstances });
  return {
    note(app) {
      for (const task of app.tasks) {
        // Answers that are well are noted too: what was ill before may be well at its end.
        const found = answersOf(app, task);
        if (found.length > 0) answers.set(task.id, found);
      }
    },
    of: (instance) => answers.get(instance) ?? [],
  };
}
