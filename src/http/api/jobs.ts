/** Endpoints about jobs: commands that run once in the image of a release. */
import { z } from 'zod';
import { isPending, type Job } from '../../core/job.ts';
import type { Ekiden } from '../../ekiden.ts';
import { serveBytes } from '../bytes.ts';
import { endpoint } from './endpoint.ts';
import { environmentParams, missing } from './names.ts';
import * as schemas from './schemas.ts';

const path = '/projects/{project}/environments/{environment}/jobs';

export const jobParams = environmentParams.extend({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/, 'is no id'),
});

const command = z
  .union([z.string().min(1).max(32_768), z.array(z.string().max(32_768)).min(1).max(1_000)])
  .meta({ description: 'A string is run by a shell, a list as it is.' });

const job = z
  .object({
    id: z.string(),
    kind: z.enum(['before', 'after', 'cron', 'task']),
    name: z.string().optional().meta({ description: "That of the manifest's job, by the clock." }),
    project: z.int(),
    environment: z.string(),
    service: z.string(),
    release: z.int().meta({ description: 'Whose image, variables and size it has.' }),
    command,
    cpus: z.number().optional(),
    mem: z.number().optional().meta({ description: 'MiB.' }),
    timeout: z.number().meta({ description: 'Seconds after which it is ended.' }),
    by: z.string(),
    deployment: z.string().optional().meta({ description: 'That waits for it.' }),
    dataCentre: z.string().optional(),
    instance: z.string().optional().meta({ description: "Marathon's task id." }),
    state: z
      .enum(['queued', 'running', 'succeeded', 'failed', 'canceled', 'skipped'])
      .meta({ id: 'JobState' }),
    exitCode: z.int().optional(),
    isLogIncomplete: z
      .boolean()
      .optional()
      .meta({ description: 'True where no role node could tell all that it printed.' }),
    reason: z.string().optional().meta({ description: 'Why it waits or ended so.' }),
    createdAt: schemas.time,
    startedAt: schemas.time.optional(),
    endedAt: schemas.time.optional(),
    url: z.url().meta({ description: 'Of its page.' }),
  })
  .meta({ id: 'Job', description: 'A command that runs once in the image of a release.' });

const seconds = z
  .int()
  .min(1)
  .max(24 * 60 * 60);

export const requestJob = endpoint({
  method: 'post',
  path,
  id: 'requestJob',
  tag: 'Jobs',
  summary: 'Runs a command once in the image of a release, with its variables',
  description: 'Least access level: 40 in production, 30 elsewhere.',
  needs: 'deploy',
  params: environmentParams,
  body: z
    .object({
      command,
      service: z.string().optional().meta({ description: 'Default: the only one, or web.' }),
      release: z
        .int()
        .positive()
        .optional()
        .meta({ description: 'Default: the one that became healthy last.' }),
      timeout: seconds.default(3_600).meta({ description: 'Seconds.' }),
      cpus: z.number().positive().max(256).optional(),
      mem: z.int().min(4).optional().meta({ description: 'MiB.' }),
    })
    .strict()
    .meta({ id: 'WantedJob' }),
  answer: { status: 202, description: 'It is queued.', schema: job },
  others: { 409: 'There is no release to run it in.' },
  async handle({ ekiden, project, params: { environment }, body, caller }) {
    const { service, release, cpus, mem, ...rest } = body;
    const asked = await ekiden.jobs.run({
      ...{ project, environment, by: caller.username, ...rest },
      ...(service === undefined ? {} : { service }),
      ...(release === undefined ? {} : { release }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(mem === undefined ? {} : { mem }),
    });
    return viewOfJob(asked, ekiden.config.url);
  },
});

export const listJobs = endpoint({
  method: 'get',
  path,
  id: 'listJobs',
  tag: 'Jobs',
  summary: 'Jobs of an environment, newest first',
  needs: 'look',
  params: environmentParams,
  query: schemas.paging,
  answer: { description: 'One page.', schema: schemas.pageOf(job, 'Job') },
  async handle({ ekiden, project, params: { environment }, query: { limit, cursor } }) {
    const wanted = { environment, limit, ...(cursor ? { cursor } : {}) };
    const page = await ekiden.jobs.list(project, wanted);
    const items = page.items.map((each) => viewOfJob(each, ekiden.config.url));
    return { items, ...(page.next ? { next: page.next } : {}) };
  },
});

export const readJob = endpoint({
  method: 'get',
  path: `${path}/{id}`,
  id: 'readJob',
  tag: 'Jobs',
  summary: 'A job',
  needs: 'look',
  params: jobParams,
  answer: { description: 'The job as it is now.', schema: job },
  handle: async ({ ekiden, project, params }) =>
    viewOfJob(await findJob(ekiden, project, params), ekiden.config.url),
});

export const cancelJob = endpoint({
  method: 'delete',
  path: `${path}/{id}`,
  id: 'cancelJob',
  tag: 'Jobs',
  summary: 'Ends a job that waits or runs',
  needs: 'deploy',
  params: jobParams,
  answer: { status: 202, description: 'It is ended.', schema: job },
  others: { 409: 'It has ended.' },
  async handle({ ekiden, project, params, caller }) {
    const { id } = await findJob(ekiden, project, params);
    return viewOfJob(await ekiden.jobs.cancel(id, caller.username), ekiden.config.url);
  },
});

export const readJobLog = endpoint({
  method: 'get',
  path: `${path}/{id}/log`,
  id: 'readJobLog',
  tag: 'Jobs',
  summary: 'What a job printed so far, as UTF-8; as a WebSocket, also what it goes on to print',
  description: 'Takes Range. The frames of the socket are described in docs/api.md.',
  needs: 'look',
  params: jobParams,
  answer: { description: 'The log.', type: 'text/plain' },
  others: {
    101: 'The socket is open.',
    206: 'The wanted range.',
    410: 'It is no longer kept.',
    416: 'There are no such bytes.',
  },
  async handle({ ekiden, project, params, request, response }) {
    const { id } = await findJob(ekiden, project, params);
    const { size, gap } = await ekiden.jobs.log.state(id);
    await serveBytes({
      ...{ request, response, gap },
      type: 'text/plain; charset=utf-8',
      size: async () => size,
      open: (range) => ekiden.jobs.log.open(id, range),
    });
  },
});

/** @throws NotFoundError also for a job of another project or environment. */
export async function findJob(
  { jobs }: Pick<Ekiden, 'jobs'>,
  project: number,
  { environment, id }: { environment: string; id: string },
): Promise<Job> {
  const found = await jobs.find(id);
  if (found?.project === project && found.environment === environment) return found;
  throw missing('job');
}

/** `url` is that of Ekiden. */
export function viewOfJob(given: Job, url: string): z.input<typeof job> {
  const {
    app: _,
    sentAt: __,
    stop,
    printed: ___,
    skips: ____,
    waiting,
    endedAt,
    ...record
  } = given;
  const now = stop ? `${stop.reason}; it is being ended` : waiting;
  const reason = isPending(given) && now ? now : given.reason;
  return {
    ...record,
    ...(reason === undefined ? {} : { reason }),
    ...(endedAt === undefined || isPending(given) ? {} : { endedAt }),
    url: `${url}/jobs/${given.id}`,
  };
}
