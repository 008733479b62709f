/** Queues on BullMQ. */
import {
  type WorkerOptions as BullOptions,
  Queue as BullQueue,
  Worker as BullWorker,
  DelayedError,
  type Job,
  type JobsOptions,
  type JobType,
  UnrecoverableError,
} from 'bullmq';
import type { Redis } from '../clients/redis.ts';
import { messageOf, NoRoomError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import {
  type AddOptions,
  askedPause,
  isFinal,
  type Line,
  longestLine,
  pauseAfter,
  type Queue,
  type Worker,
} from '../core/queue.ts';

/** Seconds that work which ended is remembered: a day, so that its id is refused for that long. */
export const rememberFor = 24 * 60 * 60;

export interface QueueOptions {
  name: string;
  prefix: string;
  redis: Redis;
  /** How often work that fails is tried, with a growing pause. */
  attempts: number;
  log: Log;
}

/** What BullMQ keeps as the data of a job. */
export interface Kept<Work> {
  mark: string;
  work: Work;
  /** Milliseconds that it waited because parts asked for it. */
  waited?: number;
}

/** BullMQ's own queue, with what holds for all work in it. */
export function openBull<Work>(options: QueueOptions): BullQueue<Kept<Work>> {
  const { name, prefix, redis, attempts, log } = options;
  const bull = new BullQueue<Kept<Work>>(name, {
    connection: redis,
    prefix,
    skipVersionCheck: true,
    defaultJobOptions: {
      attempts,
      backoff: { type: 'custom' },
      removeOnComplete: { age: rememberFor },
      removeOnFail: { age: rememberFor },
    },
  });
  bull.on('error', (error) => log.warn({ queue: name, error: error.message }, 'queue is away'));
  return bull;
}

/** Opens the queue `name`; one object adds, and may also work. */
export function createQueue<Work extends object>(options: QueueOptions): Queue<Work> {
  const { name, redis } = options;
  const bull = openBull<Work>(options);
  return {
    async add(work, { id, delay, priority, once }: AddOptions) {
      const when = {
        ...(delay === undefined ? {} : { delay }),
        ...(priority === undefined ? {} : { priority }),
      };
      if (once) {
        const forgotten = { attempts: 1, removeOnComplete: true, removeOnFail: true };
        return addUnique({ bull, name, work }, { ...when, ...forgotten, deduplication: { id } });
      }
      // BullMQ does not say whether the id was taken, so what is kept is read back and compared; its
      // data alone, since a whole Job costs as much again as the work that is added.
      const mark = crypto.randomUUID();
      await bull.add(name as never, { mark, work } as never, { jobId: id, ...when });
      const data = await redis.hget(bull.toKey(id), 'data');
      const kept: Kept<Work> = data === null ? { mark, work } : JSON.parse(data);
      return { added: kept.mark === mark, kept: kept.work };
    },
    work(handle, { concurrency }) {
      return startWorker<Work>({ ...options, concurrency, handle });
    },
    async remove(id) {
      const state = await bull.getJobState(id);
      if (!idle.has(state)) return false;
      return (await bull.remove(id)) === 1;
    },
    async reprioritize(id, priority) {
      const job = await bull.getJob(id);
      // Gone meanwhile is as good as moved.
      await job?.changePriority({ priority }).catch(() => undefined);
    },
    line: () => lineOf(bull),
    async has(id) {
      const state = await bull.getJobState(id);
      return idle.has(state) || state === 'active';
    },
    async works() {
      const states: JobType[] = ['waiting', 'prioritized', 'delayed', 'active'];
      const jobs: (Job<Kept<Work>> | undefined)[] = await bull.getJobs(states, 0, longestLine - 1);
      // One that ended since it was listed is read as nothing.
      return jobs.flatMap((job) => job?.data.work ?? []);
    },
    count: () => bull.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed'),
    close: () => bull.close(),
  };
}

/** States of work that nobody has taken up. */
const idle: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'delayed', 'paused']);

async function lineOf<Work>(bull: BullQueue<Kept<Work>>): Promise<Line> {
  const [waiting, delayed, active] = await Promise.all([
    // What has no priority goes before what has one.
    bull.getRanges(['wait', 'prioritized'], 0, longestLine - 1, true),
    bull.getRanges(['delayed'], 0, longestLine - 1, true),
    bull.getActive(0, longestLine - 1),
  ]);
  const running = active.flatMap(({ id, processedOn }) =>
    id === undefined ? [] : [{ id, since: processedOn ?? Date.now() }],
  );
  return { waiting, delayed, running };
}

export interface Added<Work> {
  bull: BullQueue<Kept<Work>>;
  name: string;
  work: Work;
}

/**
 * Adds by BullMQ's deduplication, which answers the id of the job that holds the key: ours when the
 * work is new. So nothing has to be read back, which would cost as much again, and find nothing of
 * work that is done and forgotten meanwhile.
 */
export async function addUnique<Work>(
  { bull, name, work }: Added<Work>,
  options: JobsOptions & { deduplication: { id: string } },
): Promise<{ added: boolean; kept: Work }> {
  const mark = crypto.randomUUID();
  const job = await bull.add(name as never, { mark, work } as never, { ...options, jobId: mark });
  if (job.id === mark || job.id === undefined) return { added: true, kept: work };
  const known: Kept<Work> | undefined = (await bull.getJob(job.id))?.data;
  return { added: false, kept: known?.work ?? work };
}

interface WorkerOptions<Work> extends QueueOptions {
  concurrency: number;
  handle: Parameters<Queue<Work>['work']>[0];
}

function startWorker<Work extends object>(options: WorkerOptions<Work>): Worker {
  const { name, log } = options;
  const stopping = new AbortController();
  const worker = new BullWorker<Kept<Work>>(
    name,
    async (job, token, cancelled) => {
      // A worker that waited for work when it began to rest is given some all the same.
      if (worker.isPaused()) return giveBack(job, token);
      const signal = AbortSignal.any([stopping.signal, ...(cancelled ? [cancelled] : [])]);
      const { attemptsMade, stalledCounter: crashes, data } = job;
      const { waited = 0 } = data;
      const first = attemptsMade === 0 && waited === 0;
      const last = attemptsMade + 1 >= (job.opts.attempts ?? 1);
      try {
        const id = job.id === undefined ? {} : { id: job.id };
        await options.handle(data.work, { ...id, signal, first, last, crashes, waited });
      } catch (error) {
        const isFull = error instanceof NoRoomError;
        if (isFull) await worker.pause(true);
        if (isFull || stopping.signal.aborted) return giveBack(job, token);
        const pause = askedPause(error, waited);
        log.warn({ queue: name, job: job.id, error: messageOf(error), pause }, 'work failed');
        if (pause !== undefined) return putOff(job, token, pause);
        throw isFinal(error, { last, waited }) ? new UnrecoverableError(messageOf(error)) : error;
      }
    },
    settingsOf(options),
  );
  worker.on('error', (error) =>
    log.warn({ queue: name, error: error.message }, 'worker is cut off'),
  );
  // After Redis or this process stood still for long, another worker may have it.
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'another worker may have it');
  });
  return {
    cancel: (id, reason) => void worker.cancelJob(id, reason),
    resume: () => void worker.resume(),
    async stop() {
      stopping.abort(new Error('Ekiden is stopping'));
      await worker.close();
    },
  };
}

function settingsOf<Work>({ redis, prefix, concurrency }: WorkerOptions<Work>): BullOptions {
  return {
    connection: redis,
    prefix,
    concurrency,
    skipVersionCheck: true,
    // A worker that was killed is noticed after at most lockDuration + stalledInterval.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    // Who works on it says the end of what kills each process; BullMQ would end it in silence.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    settings: { backoffStrategy: pauseAfter },
  };
}

/** Lets a job wait as a part asked, without counting the attempt. */
async function putOff<Work>(
  job: Job<Kept<Work>>,
  token: string | undefined,
  pause: number,
): Promise<never> {
  await job.updateData({ ...job.data, waited: (job.data.waited ?? 0) + pause });
  await job.moveToDelayed(Date.now() + pause, token);
  throw new DelayedError();
}

/** Puts a job back in front, without counting the attempt. */
async function giveBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now(), token);
  // Else it would be in line only once a worker looks for work; one that has it already is as good.
  await job.promote().catch(() => undefined);
  throw new DelayedError();
}
