/** A queue in memory, as the contract tests hold it to BullMQ; failed work is tried again at once. */
import { EkidenError } from '../../src/core/errors.ts';
import type { Attempt, Queue, Worker } from '../../src/core/queue.ts';

interface Item<Work> {
  id: string;
  work: Work;
  priority: number;
  state: 'waiting' | 'running' | 'ended';
  failures: number;
  once: boolean;
}

type Handle<Work> = (work: Work, attempt: Attempt) => Promise<void>;

export interface FakeQueue<Work> extends Queue<Work> {
  /** What was added and not yet started, in the order in which it would start. */
  waiting(): Work[];
}

export function createFakeQueue<Work extends object>({ attempts = 12 } = {}): FakeQueue<Work> {
  const items = new Map<string, Item<Work>>();
  const wakeAll = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  const wake = () => {
    for (const each of wakeAll) each();
  };
  const waiting = () =>
    [...items.values()]
      .filter(({ state }) => state === 'waiting')
      .sort((a, b) => a.priority - b.priority);

  return {
    waiting: () => waiting().map(({ work }) => work),
    count: async () => ({ waiting: waiting().length }),
    async add(work, { id, delay = 0, priority = 0, once = false }) {
      const known = items.get(id);
      if (known) return { added: false, kept: structuredClone(known.work) };
      const item: Item<Work> = {
        id,
        work: structuredClone(work),
        priority,
        state: 'waiting',
        failures: 0,
        once,
      };
      items.set(id, delay > 0 ? { ...item, state: 'ended' } : item);
      if (delay > 0) {
        const due = () => {
          if (items.has(id)) items.set(id, item);
          wake();
        };
        timers.add(setTimeout(due, delay));
      }
      wake();
      return { added: true, kept: structuredClone(work) };
    },
    work: (handle, { concurrency }) =>
      startWorker({
        ...{ handle, concurrency, attempts, wake, wakeAll },
        next: () => waiting()[0],
        forget: (id) => items.delete(id),
      }),
    async close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

interface WorkerOptions<Work> {
  handle: Handle<Work>;
  concurrency: number;
  attempts: number;
  next: () => Item<Work> | undefined;
  forget: (id: string) => void;
  wake: () => void;
  wakeAll: Set<() => void>;
}

function startWorker<Work>(options: WorkerOptions<Work>): Worker {
  const { concurrency, next, forget, wakeAll, wake } = options;
  const stopping = new AbortController();
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  const look = () => {
    while (!stopping.signal.aborted && running.size < concurrency) {
      const item = next();
      if (!item) return;
      item.state = 'running';
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, stopping.signal]);
      const done = attempt(options, item, signal, stopping.signal).then(() => {
        running.delete(item.id);
        if (item.once && item.state === 'ended') forget(item.id);
        wake();
      });
      running.set(item.id, { controller, done });
    }
  };
  wakeAll.add(look);
  queueMicrotask(look);
  return {
    cancel: (id, reason) => running.get(id)?.controller.abort(new Error(reason)),
    async stop() {
      stopping.abort(new Error('stopping'));
      await Promise.all([...running.values()].map(({ done }) => done));
      wakeAll.delete(look);
    },
  };
}

async function attempt<Work>(
  { handle, attempts }: WorkerOptions<Work>,
  item: Item<Work>,
  signal: AbortSignal,
  stopping: AbortSignal,
): Promise<void> {
  const last = item.once || item.failures + 1 >= attempts;
  try {
    await handle(structuredClone(item.work), { signal, first: item.failures === 0, last });
    item.state = 'ended';
  } catch (error) {
    const final = last || (error instanceof EkidenError && !error.retryable);
    if (!stopping.aborted) item.failures += 1;
    item.state = final && !stopping.aborted ? 'ended' : 'waiting';
  }
}
