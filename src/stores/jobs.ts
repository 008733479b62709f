/** Jobs in Redis. */
import type { Job, JobStore } from '../core/job.ts';
import type { StoreOptions } from './builds.ts';
import { createListing, readPage } from './listing.ts';
import { createRecords, keepSeconds } from './records.ts';

/** How many jobs of a project, and of an environment, can be listed. */
const keep = 500;

export function createJobStore({ redis, prefix }: StoreOptions): JobStore {
  const records = createRecords<Job>({
    redis,
    prefix: `${prefix}:job:`,
    noun: 'job',
    activeStates: ['queued', 'running'],
    activeKey: `${prefix}:active-jobs`,
  });
  const listing = createListing({ redis, keep, keepSeconds });
  const listOf = (project: number, environment?: string) =>
    environment === undefined
      ? `${prefix}:project:${project}:jobs`
      : `${prefix}:project:${project}:environment:${environment}:jobs`;

  return {
    find: records.find,
    update: records.update,
    end: records.end,
    active: records.active,
    async create(job) {
      const kept = await records.create(job);
      const { id, project, environment, createdAt } = kept;
      await listing.add(listOf(project), id, createdAt);
      await listing.add(listOf(project, environment), id, createdAt);
      return kept;
    },
    list: async (project, { environment, ...paging }) =>
      readPage(await listing.page(listOf(project, environment), paging), records.find),
  };
}
