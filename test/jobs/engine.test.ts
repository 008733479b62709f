/** Jobs on the real engine: how they run, end, and what they leave. */
import { describe, expect, it } from 'vitest';
import { RemoteError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';
import { silent } from '../../src/core/log.ts';
import { viewOfJob } from '../../src/http/api/jobs.ts';
import { appOfJob } from '../../src/jobs/definition.ts';
import { createOutput } from '../../src/jobs/output.ts';
import { removeLeft } from '../../src/jobs/tending.ts';
import { sampleJob } from '../support/samples.ts';
import { app, centresOf, secret, useJobs } from './rig.ts';

const rig = useJobs();
const patience = { timeout: 25_000, interval: 50 };

/** Says in a file of the host, by the size of it, how often it ran. */
const runsOf = async (job: Job) => ((await rig.logOf(job.id)).match(/^ran$/gm) ?? []).length;

async function leavesNothing(job: Job): Promise<void> {
  await expect.poll(() => rig.marathon.app(appOfJob(job)), patience).toBeUndefined();
}

describe('a job', () => {
  it('has the variables of its release, and a log without their secrets', async () => {
    const { id } = await rig.ask('echo $GREETING $API_TOKEN; echo oops >&2; printf end');
    const job = await rig.work(id);
    expect(job).toMatchObject({ state: 'succeeded', exitCode: 0, service: 'web', app, release: 1 });
    expect(job.isLogIncomplete).toBeUndefined();
    const log = await rig.logOf(id);
    for (const text of ['hello [REDACTED]\n', 'oops\n', 'end']) expect(log).toContain(text);
    expect(log).not.toContain(secret);
    await leavesNothing(job);
  });

  it('whose node is away ends as it did, and says that its log is missing', async () => {
    const { id } = await rig.ask('echo out; exit 5');
    const away = { list: async () => undefined, open: async () => undefined };
    const output = createOutput({
      ...rig.stores,
      logs: rig.stores.jobLogs,
      logFiles: away,
      log: silent,
    });
    const job = await rig.work(id, undefined, { output });
    expect(job).toMatchObject({ state: 'failed', exitCode: 5, isLogIncomplete: true });
    expect(job.startedAt).toBeGreaterThanOrEqual(job.sentAt ?? Number.POSITIVE_INFINITY);
  });

  it('that ends before anybody looks has its log all the same', async () => {
    const { id } = await rig.ask('echo ran; echo oops >&2');
    const app: typeof rig.marathon.app = async (...given) => {
      const isOver = async () => {
        const queued = (await rig.marathon.queue()).find((item) => item.app.id === given[0]);
        return (queued?.delay?.timeLeftSeconds ?? 0) > 0;
      };
      // The first question is whether the job is there already.
      if (await rig.marathon.app(...given)) await expect.poll(isOver, patience).toBe(true);
      return rig.marathon.app(...given);
    };
    const job = await rig.work(id, undefined, { dataCentres: centresOf({ ...rig.marathon, app }) });
    expect(job).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(await rig.logOf(id)).toBe('ran\noops\n');
    expect(job.isLogIncomplete).toBeUndefined();
    expect(job.instance).toMatch(/\.job-.*\._app\.1$/);
  });

  it('takes a list as it is', async () => {
    const { id } = await rig.ask(['echo', '$GREETING', 'two words']);
    expect(await rig.work(id)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(await rig.logOf(id)).toBe('$GREETING two words\n');
  });

  it.each([
    ['its exit code', 'exit 3', {}, { exitCode: 3, reason: 'exited with status 3' }],
    [
      'a signal',
      `sh -c 'kill -9 $$'; exit $?`,
      {},
      { exitCode: 137, reason: 'was ended by SIGKILL (exited with status 137)' },
    ],
    ['an image that lacks it', ['/none'], {}, { reason: expect.stringContaining('/none') }],
    [
      'that it ran out of memory',
      'tail -c 64m /dev/zero; code=$?; sleep 1; exit $code',
      { mem: 8 },
      { reason: 'ran out of memory and was killed' },
    ],
  ])('that fails tells %s', async (_, command, change, end) => {
    const { id } = await rig.ask(command, change);
    const job = await rig.work(id);
    expect(job).toMatchObject({ state: 'failed', ...end });
    await leavesNothing(job);
  });

  it('is ended after its timeout, with its last words', async () => {
    const command = 'trap "echo bye; exit 0" TERM; echo ran; sleep 60 & wait';
    const { id } = await rig.ask(command, { timeout: 1 });
    const job = await rig.work(id);
    expect(job).toMatchObject({
      state: 'failed',
      reason: 'it was ended after its timeout of 1 s',
    });
    expect(await rig.logOf(id)).toBe('ran\nbye\n');
    await leavesNothing(job);
  });

  it('is canceled while it waits, and while it runs', async () => {
    const waiting = await rig.ask('echo ran');
    expect(await rig.requests.cancel(waiting.id, 'ada')).toMatchObject({ state: 'canceled' });
    expect(await rig.work(waiting.id)).toMatchObject({ reason: 'ada canceled it' });
    const { id } = await rig.ask('echo ran; trap "exit 0" TERM; sleep 60 & wait');
    const working = rig.work(id);
    await expect.poll(() => rig.logOf(id), patience).toBe('ran\n');
    await rig.requests.cancel(id, 'ada');
    const job = await working;
    expect(job).toMatchObject({ state: 'canceled', reason: 'ada canceled it' });
    await expect(rig.requests.cancel(id, 'ada')).rejects.toMatchObject({ code: 'E_ENDED' });
    await leavesNothing(job);
  });

  it('runs once, however often its role is killed', async () => {
    const { id } = await rig.ask('echo ran; sleep 2; echo end');
    let job: Job | undefined;
    for (let kills = 0; job === undefined; kills++) {
      const dying = new AbortController();
      // Each lives longer, so that on a slow machine too one of them comes to the end.
      const timer = setTimeout(() => dying.abort(new Error('killed')), 100 * 1.3 ** kills);
      job = await rig.work(id, dying.signal).catch(() => undefined);
      clearTimeout(timer);
    }
    expect(job).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(await rig.logOf(id)).toBe('ran\nend\n');
    expect(await runsOf(job)).toBe(1);
  });

  it('runs once when the answer of Marathon is lost', async () => {
    const { id } = await rig.ask('echo ran; sleep 1');
    const putApp: typeof rig.marathon.putApp = async (...given) => {
      await rig.marathon.putApp(...given);
      throw new RemoteError('The answer was cut.', { code: 'E_MARATHON_TIMEOUT' });
    };
    const dataCentres = centresOf({ ...rig.marathon, putApp });
    const { signal } = new AbortController();
    await expect(rig.work(id, signal, { dataCentres, last: false })).rejects.toThrow('was cut');
    const waiting = 'The answer was cut; it is tried again';
    expect(await rig.stores.jobs.find(id)).toMatchObject({ state: 'queued', waiting });
    const job = await rig.work(id);
    expect(job).toMatchObject({ state: 'succeeded', exitCode: 0, waiting: '' });
    expect(await runsOf(job)).toBe(1);
  });

  it('goes on while Marathon is away', async () => {
    const { id } = await rig.ask('echo ran; sleep 1');
    let asked = 0;
    const app: typeof rig.marathon.app = async (...given) => {
      if (++asked % 2 === 0) throw new RemoteError('away', { code: 'E_MARATHON_TIMEOUT' });
      return rig.marathon.app(...given);
    };
    const job = await rig.work(id, undefined, { dataCentres: centresOf({ ...rig.marathon, app }) });
    expect(job).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(asked).toBeGreaterThan(2);
  });

  it('says that Marathon does not answer, for as long as that is so', async () => {
    const { id } = await rig.ask('trap "exit 0" TERM; while :; do sleep 0.1; done');
    let isAway = false;
    const app: typeof rig.marathon.app = async (...given) => {
      if (isAway) throw new RemoteError(`Away ${secret}.`, { code: 'E_MARATHON_TIMEOUT' });
      return rig.marathon.app(...given);
    };
    const working = rig.work(id, undefined, { dataCentres: centresOf({ ...rig.marathon, app }) });
    const job = async () => (await rig.stores.jobs.find(id)) ?? sampleJob();
    const reason = async () => viewOfJob(await job(), '').reason;
    await expect.poll(async () => (await job()).startedAt, patience).toBeDefined();
    expect(await reason()).toBeUndefined();
    expect(await rig.isOver(id)).toBe(false);
    isAway = true;
    const said = 'Away [REDACTED]; the job is looked at again once Marathon answers';
    await expect.poll(reason, patience).toBe(said);
    isAway = false;
    await expect.poll(reason, patience).toBeUndefined();
    await rig.requests.cancel(id, 'ada');
    expect(await working).toMatchObject({ state: 'canceled' });
  });

  it('that ended while nobody looked is told as it ended, also after a crash of the engine', async () => {
    const ended = await rig.ask('echo ran; exit 4');
    const dying = new AbortController();
    await rig
      .work(ended.id, dying.signal, { lookEvery: 1, output: killing(dying) })
      .catch(() => undefined);
    const task = async () => (await rig.engine.tasks(appOfJob(ended))).length;
    await expect.poll(task, patience).toBe(0);
    expect(await rig.isOver(ended.id)).toBe(true);
    await rig.engine.crash();
    const job = await rig.work(ended.id);
    expect(job).toMatchObject({ state: 'failed', exitCode: 4 });
    expect(await runsOf(job)).toBe(1);
  });
});

it('what an ended job left in Marathon is taken away', async () => {
  const job = await rig.ask('sleep 60');
  const dying = new AbortController();
  const working = rig.work(job.id, dying.signal).catch(() => undefined);
  await expect.poll(() => rig.marathon.app(appOfJob(job)), patience).toBeDefined();
  dying.abort(new Error('killed'));
  await working;
  const { jobs, queues } = rig.stores;
  const options = { jobs, queue: queues.jobs, dataCentres: centresOf(rig.marathon), log: silent };
  await removeLeft({ ...options, install: 'lab' });
  expect(await rig.marathon.app(appOfJob(job))).toBeDefined();
  await jobs.end(job.id, 'failed', 'lost');
  await removeLeft({ ...options, install: rig.engine.install });
  await leavesNothing(job);
});

/** Output that dies when it is asked for the first time, as its process would. */
function killing(dying: AbortController) {
  return {
    copy: async () => {
      dying.abort(new Error('killed'));
      throw new Error('killed');
    },
    isReached: async () => false,
  };
}
