/** A queue in memory, as the contract tests hold it to BullMQ; failed work is tried again at once. */
import { NoRoomError } from '../../src/core/errors.ts';
import {
  type Attempt,
  askedPause,
  isFinal,
  type Queue,
  type Worker,
} from '../../src/core/queue.ts';

interface Item<Work> {
  id: string;
  work: Work;
  priority: number;
  state: 'waiting' | 'delayed' | 'running' | 'ended';
  failures: number;
  waited: number;
  since: number;
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

  const inState = (state: Item<Work>['state']) =>
    [...items.values()].filter((item) => item.state === state);
  const putOff = (item: Item<Work>, delay: number) => {
    item.state = 'delayed';
    const due = () => {
      if (item.state === 'delayed') item.state = 'waiting';
      wake();
    };
    timers.add(setTimeout(due, delay));
  };

  return {
    waiting: () => waiting().map(({ work }) => work),
    count: async () => ({ waiting: waiting().length }),
    async remove(id) {
      const item = items.get(id);
      if (item?.state !== 'waiting' && item?.state !== 'delayed') return false;
      item.state = 'ended';
      return items.delete(id);
    },
    async reprioritize(id, priority) {
      const item = items.get(id);
      if (item === undefined) return;
      items.delete(id);
      items.set(id, item);
      item.priority = priority;
    },
    line: async () => ({
      waiting: waiting().map(({ id }) => id),
      delayed: inState('delayed').map(({ id }) => id),
      running: inState('running').map(({ id, since }) => ({ id, since })),
    }),
    has: async (id) => ![undefined, 'ended'].includes(items.get(id)?.state),
    works: async () =>
      [...items.values()].flatMap(({ state, work }) =>
        state === 'ended' ? [] : structuredClone(work),
      ),
    async add(work, { id, delay = 0, priority = 0, once = false }) {
      const known = items.get(id);
      if (known) return { added: false, kept: structuredClone(known.work) };
      const item: Item<Work> = {
        ...{ id, work: structuredClone(work), priority, once },
        ...{ state: 'waiting', failures: 0, waited: 0, since: 0 },
      };
      items.set(id, item);
      if (delay > 0) putOff(item, delay);
      wake();
      return { added: true, kept: structuredClone(work) };
    },
    work: (handle, { concurrency }) =>
      startWorker({
        ...{ handle, concurrency, attempts, wake, wakeAll, putOff },
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
  putOff: (item: Item<Work>, delay: number) => void;
  wake: () => void;
  wakeAll: Set<() => void>;
}

function startWorker<Work>(options: WorkerOptions<Work>): Worker {
  const { concurrency, next, forget, wakeAll, wake } = options;
  const stopping = new AbortController();
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let rests = false;
  const look = () => {
    while (!rests && !stopping.signal.aborted && running.size < concurrency) {
      const item = next();
      if (!item) return;
      item.state = 'running';
      item.since = Date.now();
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, stopping.signal]);
      const done = attempt(options, item, signal, stopping.signal).then((isFull) => {
        rests ||= isFull;
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
    resume() {
      rests = false;
      look();
    },
    async stop() {
      stopping.abort(new Error('stopping'));
      await Promise.all([...running.values()].map(({ done }) => done));
      wakeAll.delete(look);
    },
  };
}

/** Answers whether the work was given back for want of room. */
async function attempt<Work>(
  { handle, attempts, putOff }: WorkerOptions<Work>,
  item: Item<Work>,
  signal: AbortSignal,
  stopping: AbortSignal,
): Promise<boolean> {
  const { waited } = item;
  const first = item.failures === 0 && waited === 0;
  const last = item.once || item.failures + 1 >= attempts;
  try {
    await handle(structuredClone(item.work), { signal, first, last, waited });
    item.state = 'ended';
  } catch (error) {
    const pause = stopping.aborted ? undefined : askedPause(error, waited);
    if (pause !== undefined) {
      item.waited += pause;
      putOff(item, pause);
      return false;
    }
    const isFull = error instanceof NoRoomError;
    const isKept = isFull || stopping.aborted;
    if (!isKept) item.failures += 1;
    item.state = isFinal(error, { last, waited }) && !isKept ? 'ended' : 'waiting';
    return isFull;
  }
  return false;
}
