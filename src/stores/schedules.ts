/** Schedules in Redis; BullMQ's job schedulers put them in line when they are due. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { DueWork, Schedule, ScheduleStore } from '../core/job.ts';
import { openBull, type QueueOptions } from './queue.ts';

/** The queue of what is due. */
export const dueQueue = 'due';

export interface ScheduleStoreOptions extends Omit<QueueOptions, 'prefix' | 'name'> {
  prefix: string;
  /** Of the queue that takes what is due. */
  queuePrefix: string;
}

/** Besides a store, what closes its connection. */
export type Schedules = ScheduleStore & { close(): Promise<void> };

export function createScheduleStore(options: ScheduleStoreOptions): Schedules {
  const { redis, prefix, queuePrefix } = options;
  const bull = openBull<DueWork>({ ...options, name: dueQueue, prefix: queuePrefix });
  const key = (app: string) => `${prefix}:app:${app}:schedules`;

  async function find(app: string, name: string): Promise<Schedule | undefined> {
    const text = await redis.hget(key(app), name);
    return text === null ? undefined : (JSON.parse(text) as Schedule);
  }

  return {
    find,
    async list(app) {
      const all = Object.entries(await redis.hgetall(key(app)));
      return all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => JSON.parse(text));
    },
    async save(schedule) {
      const { app, job } = schedule;
      const { name, schedule: pattern, timezone: tz } = job;
      const id = idOf(app, name);
      const known = await find(app, name);
      const running = await bull.getJobScheduler(id);
      const goesOn = running?.pattern === pattern && running.tz === tz;
      // Set anew, a run that is due this very moment would be left out.
      if (!goesOn) {
        const data = { mark: id, work: { app, name } };
        await bull.upsertJobScheduler(id, { pattern, tz }, { name: 'due' as never, data } as never);
      }
      if (!isDeepStrictEqual(known, schedule)) {
        await redis.hset(key(app), name, JSON.stringify(schedule));
      }
    },
    async remove(app, name) {
      await bull.removeJobScheduler(idOf(app, name));
      await redis.hdel(key(app), name);
    },
    close: () => bull.close(),
  };
}

/** BullMQ takes a colon for its own. */
function idOf(app: string, name: string): string {
  return createHash('sha256').update(`${app}\n${name}`).digest('hex').slice(0, 24);
}
