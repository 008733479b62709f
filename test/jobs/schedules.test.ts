/** What runs by the clock, and around deployments, over the real stores. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { silent } from '../../src/core/log.ts';
import type { JobSpec } from '../../src/core/manifest.ts';
import { createReleaseCommands } from '../../src/jobs/release-commands.ts';
import { createJobRequests } from '../../src/jobs/requests.ts';
import { createSchedules } from '../../src/jobs/schedules.ts';
import { queueLost } from '../../src/jobs/tending.ts';
import type { Stores } from '../../src/stores/index.ts';
import { sampleDeployment } from '../deploy/sample.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { sampleBuild, sampleDeploy, sampleJob } from '../support/samples.ts';
import { app, sampleRelease } from './rig.ts';

let redis: RedisStores;
let stores: Stores;
let requests: ReturnType<typeof createJobRequests>;
let schedules: ReturnType<typeof createSchedules>;
/** Jobs whose processes have ended. */
let over: Set<string>;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  stores = redis.fresh();
  const { exclusively } = stores.locks;
  const queue = stores.queues.jobs;
  requests = createJobRequests({ ...stores, queue, exclusively, maxMemory: 1_024 });
  over = new Set();
  const runner = { isOver: async ({ id }: Job) => over.has(id) };
  schedules = createSchedules({ ...stores, requests, runner, exclusively, log: silent });
});

const spec: JobSpec = {
  ...{ name: 'nightly', schedule: '0 3 * * *', timezone: 'UTC', command: './clean' },
  ...{ service: 'web', timeout: 60 },
};

/** A build with these jobs, whose release is the good one of the app. */
async function release(number: number, jobs: JobSpec[]): Promise<void> {
  const build = `b${number}`;
  const plan = {
    ...{ environments: ['production'], services: [], deploy: sampleDeploy, jobs, fragments: [] },
    ...{ dockerfile: 'Dockerfile', context: '', args: {}, secrets: {}, warnings: [] },
  };
  await stores.builds.create(sampleBuild({ id: build, plan }));
  await stores.releases.create(sampleRelease({ number, build }));
  await stores.releases.markGood(app, number);
  await stores.deployments.create(sampleDeployment({ id: `d${number}`, build }));
}

const namesOf = async () => (await stores.schedules.list(app)).map(({ job }) => job.name);
const listed = async () => (await stores.jobs.list(7, { limit: 9 })).items;

describe('schedules', () => {
  it('are those of the good release, also after a rollback, and go with the app', async () => {
    await release(1, [spec, { ...spec, name: 'hourly' }]);
    await schedules.follow('d1');
    expect(await namesOf()).toEqual(['hourly', 'nightly']);
    await release(2, [{ ...spec, command: './other' }]);
    await schedules.follow('d2');
    expect(await stores.schedules.list(app)).toMatchObject([{ job: { command: './other' } }]);
    await stores.releases.markGood(app, 1);
    await schedules.follow('d1');
    await schedules.follow('d2');
    expect(await namesOf()).toEqual(['hourly', 'nightly']);
    await stores.releases.create(sampleRelease({ number: 3, build: 'forgotten' }));
    await stores.releases.markGood(app, 3);
    await schedules.follow('d1');
    expect(await namesOf()).toEqual(['hourly', 'nightly']);
    await schedules.forget(app);
    expect(await namesOf()).toEqual([]);
  });

  it('begin once for what is due, in the release that is good then', async () => {
    await release(1, [spec]);
    await schedules.follow('d1');
    await release(2, [spec]);
    const due = { app, name: 'nightly' };
    await Promise.all([schedules.begin(due, 'due-1'), schedules.begin(due, 'due-1')]);
    const [job, ...others] = await listed();
    expect(others).toEqual([]);
    expect(job).toMatchObject({
      ...{ kind: 'cron', name: 'nightly', release: 2, command: './clean', by: 'the clock' },
      ...{ state: 'queued', timeout: 60 },
    });
    expect(await stores.queues.jobs.has(job?.id ?? '')).toBe(true);
    await schedules.begin({ app, name: 'gone' }, 'due-2');
    expect(await listed()).toHaveLength(1);
  });

  it('leave out what is due while the run before goes on, and say so in one line', async () => {
    await release(1, [spec]);
    await schedules.follow('d1');
    const due = { app, name: 'nightly' };
    for (const id of ['1', '2', '3']) await schedules.begin(due, id);
    const all = await listed();
    const running = all.find(({ state }) => state === 'queued');
    const reason = `${running?.id} still went on when it was due, 2 times`;
    expect(all.filter((each) => each !== running)).toMatchObject([{ state: 'skipped', reason }]);
    await stores.jobs.end(running?.id ?? '', 'succeeded');
    await schedules.begin(due, '4');
    expect((await listed()).map(({ state }) => state).sort()).toEqual([
      ...['queued', 'skipped', 'succeeded'],
    ]);
  });

  it('begin after a run that has ended, and whose end nobody lived to note', async () => {
    await release(1, [spec]);
    await schedules.follow('d1');
    const due = { app, name: 'nightly' };
    await schedules.begin(due, '1');
    const [before] = await listed();
    over.add(before?.id ?? '');
    await schedules.begin(due, '2');
    expect((await listed()).map(({ state }) => state)).toEqual(['queued', 'queued']);
  });
});

describe('commands around a deployment', () => {
  const deploy = { ...sampleDeploy, before: './migrate', after: ['./warm', 'up'] };
  const asked = { request: 'push', deploy, state: 'running' as const };
  const web = sampleDeployment({ id: 'web', ...asked });
  const worker = sampleDeployment({ id: 'worker', ...asked, app: '/worker' });
  const { signal } = new AbortController();

  async function open() {
    for (const each of [web, worker]) await stores.deployments.create(each);
    const commands = createReleaseCommands({
      ...{ ...stores, requests, lookEvery: 10 },
      exclusively: stores.locks.exclusively,
    });
    const run = (deployment: typeof web, when: 'before' | 'after', until = signal) =>
      commands.run({ deployment, release: sampleRelease(), when }, until);
    return run;
  }

  /** Ends the only job that waits. */
  async function end(state: Job['state'], reason?: string): Promise<void> {
    await expect.poll(() => stores.jobs.active()).toHaveLength(1);
    const [id = ''] = await stores.jobs.active();
    await stores.jobs.end(id, state, reason);
  }

  it('run once for all services, who share its end', async () => {
    const run = await open();
    const both = Promise.all([run(web, 'before'), run(worker, 'before'), run(web, 'before')]);
    await end('failed', 'exit code 3');
    const [job] = await listed();
    const reason = `exit code 3 (job ${job?.id})`;
    expect(await both).toEqual([reason, reason, reason]);
    expect(await listed()).toHaveLength(1);
    expect((await stores.deployments.find('worker'))?.jobs).toEqual({ before: job?.id });
  });

  it('wait for those of an older commit, and are not begun where nobody waits any more', async () => {
    const run = await open();
    const newer = sampleDeployment({ ...web, id: 'newer', request: 'newer push' });
    await stores.deployments.create(newer);
    const older = run(web, 'before');
    await expect.poll(() => stores.jobs.active()).toHaveLength(1);
    const [id] = await stores.jobs.active();
    const given = new AbortController();
    const left = run({ ...newer, request: 'left' }, 'before', given.signal);
    const next = run(newer, 'before');
    const waiting = async () => (await stores.deployments.find('newer'))?.waiting;
    await expect.poll(waiting).toBe(`waits for the command before another deployment, job ${id}`);
    expect(await stores.jobs.active()).toEqual([id]);
    given.abort();
    await expect(left).rejects.toThrow('aborted');
    await end('succeeded');
    expect(await older).toBeUndefined();
    await end('succeeded');
    expect(await next).toBeUndefined();
    expect(await waiting()).toBe('');
    expect(await listed()).toHaveLength(2);
  });

  it('wait after it until all services get requests, or ended otherwise', async () => {
    const run = await open();
    const first = run(web, 'after');
    await expect.poll(async () => (await stores.deployments.find('web'))?.jobs).toBeDefined();
    expect(await stores.jobs.active()).toEqual([]);
    await stores.deployments.end('worker', 'failed', 'never healthy');
    await end('succeeded');
    expect(await first).toBeUndefined();
  });

  it('are nothing where the manifest names none, and on the way back', async () => {
    const run = await open();
    expect(await run({ ...web, kind: 'rollback' }, 'before')).toBeUndefined();
    expect(await run({ ...web, deploy: sampleDeploy }, 'before')).toBeUndefined();
    expect(await listed()).toEqual([]);
  });
});

it('a job that its queue lost is queued again at the second look', async () => {
  await stores.jobs.create(sampleJob());
  const { jobs, queues } = stores;
  const options = { jobs, queue: queues.jobs, dataCentres: {} as never, install: 'x', log: silent };
  const missing = await queueLost(options, new Set());
  expect([...missing, await queues.jobs.has('j1')]).toEqual(['j1', false]);
  await queueLost(options, missing);
  expect(await queues.jobs.has('j1')).toBe(true);
});

describe('a person', () => {
  it.each([
    [{ service: 'none' }, 'E_NOTHING_RUNS', false],
    [{ service: 'none' }, 'E_SERVICE', true],
    [{}, 'E_RELEASE', true],
    [{ release: 9 }, 'E_RELEASE', true],
  ])('who asks for %j hears %s', async (wanted, code, isClaimed) => {
    const place = { project: 7, environment: 'production' };
    if (isClaimed) await stores.appIds.claim({ ...place, service: 'web', wanted: app });
    const asked = { ...place, command: 'x', by: 'ada', timeout: 60, ...wanted };
    await expect(requests.run(asked)).rejects.toMatchObject({ code });
  });

  it('may ask for so much memory and no more', async () => {
    await stores.appIds.claim({
      project: 7,
      environment: 'production',
      service: 'web',
      wanted: app,
    });
    await release(1, []);
    const asked = { project: 7, environment: 'production', command: 'x', by: 'ada', timeout: 60 };
    await expect(requests.run({ ...asked, mem: 2_048 })).rejects.toMatchObject({
      code: 'E_TOO_MUCH_MEMORY',
    });
    const job = await requests.run({ ...asked, mem: 1_024 });
    await requests.cancelAll({ project: 7, environment: 'staging' });
    expect(await stores.jobs.find(job.id)).toMatchObject({ state: 'queued' });
    await requests.cancelAll({ app });
    expect(await stores.jobs.find(job.id)).toMatchObject({
      ...{ state: 'canceled', reason: 'its service was taken down' },
    });
  });
});
