/** What is sent to Marathon for a job, and what is read of its answers: functions of data. */
import { describe, expect, it } from 'vitest';
import { appSchema, queueItemSchema } from '../../src/clients/marathon-model.ts';
import type { Job } from '../../src/core/job.ts';
import { appOfJob, toJobApp } from '../../src/jobs/definition.ts';
import { mergeExit } from '../../src/jobs/ending.ts';
import { endOf, readJob } from '../../src/jobs/outcome.ts';
import { jobIdOf } from '../../src/jobs/release-commands.ts';
import { wantedOf } from '../../src/jobs/schedules.ts';
import { stopOf } from '../../src/jobs/stopping.ts';
import { sampleJob } from '../support/samples.ts';
import { app, sampleRelease } from './rig.ts';

const job = sampleJob();
const release = sampleRelease({ sha: 'c0ffee', build: 'b1' });

describe('the app of a job', () => {
  it('is the release with a command of its own, once, without ports and checks', () => {
    const definition = toJobApp(job, release, 'lab');
    expect(definition).toEqual({
      id: `${app}.job-j1`,
      instances: 1,
      cpus: 0.01,
      mem: 32,
      cmd: 'case "$MESOS_TASK_ID" in *._app.1) ;; *._app.*) exit 0 ;; esac\n./migrate',
      env: { LOG_DIR: '/var/log/app', GREETING: 'hello', API_TOKEN: 'hunter2-hunter2' },
      labels: {
        ...{ 'ekiden.install': 'lab', 'ekiden.project': '7', 'ekiden.environment': 'production' },
        ...{ 'ekiden.job': 'j1', 'ekiden.release': '1', 'ekiden.commit': 'c0ffee' },
        'ekiden.build': 'b1',
      },
      container: { ...(release.definition['container'] as object), portMappings: [] },
      networks: [{ mode: 'container/bridge' }],
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      backoffSeconds: 1_728_000,
      backoffFactor: 1,
      maxLaunchDelaySeconds: 1_728_000,
      taskKillGracePeriodSeconds: 10,
      unreachableStrategy: 'disabled',
    });
  });

  it('takes a list as it is, a size of its own, and what else the release says', () => {
    const constraints = [['disk', 'CLUSTER', 'ssd']];
    const { container: _, ...rest } = release.definition;
    const host = { ...rest, constraints, networks: [{ mode: 'host' }], portDefinitions: [{}] };
    const wanted: Job = { ...job, command: ['a', 'b c'], cpus: 2, mem: 64 };
    const definition = toJobApp(wanted, { ...release, definition: host }, 'lab');
    expect(definition).toMatchObject({
      ...{ args: ['a', 'b c'], cpus: 2, mem: 64, constraints, portDefinitions: [] },
      networks: [{ mode: 'host' }],
    });
    expect(definition).not.toHaveProperty('cmd');
  });
});

const version = '2026-01-01T00:00:00.000Z';
const task = (number: number, state: string, startedAt?: string) => ({
  ...{ id: `x.instance-1._app.${number}`, appId: appOfJob(job), state },
  ...(startedAt === undefined ? {} : { startedAt }),
});
const failure = {
  ...{ taskId: 'x.instance-1._app.1', state: 'TASK_FAILED' },
  message: 'Container exited with status 3',
};
const queued = (timeLeftSeconds: number) =>
  queueItemSchema.parse({ app: { id: 'x' }, delay: { timeLeftSeconds, overdue: false } });

describe('a job in Marathon', () => {
  const first = 'x.instance-1._app.1';
  it.each([
    ['waits for a host', {}, queued(0), undefined, { is: 'waiting' }],
    [
      'is staged',
      { tasks: [task(1, 'TASK_STAGING')] },
      undefined,
      undefined,
      { is: 'active', instance: first },
    ],
    [
      'runs',
      { tasks: [task(1, 'TASK_RUNNING', version)] },
      undefined,
      first,
      { is: 'active', instance: first, startedAt: Date.parse(version) },
    ],
    ['has finished', {}, queued(1_727_000), first, { is: 'ended', exitCode: 0 }],
    [
      'has failed',
      { lastTaskFailure: failure },
      queued(1_727_000),
      undefined,
      { is: 'ended', exitCode: 3, reason: 'exited with status 3', instance: first },
    ],
    [
      'has failed and is begun anew by a Marathon that forgot its back-off',
      { lastTaskFailure: failure, tasks: [task(2, 'TASK_RUNNING', version)] },
      undefined,
      first,
      { is: 'ended', exitCode: 3, reason: 'exited with status 3', instance: first },
    ],
    [
      'is begun anew and was never seen before',
      { tasks: [task(2, 'TASK_STAGING')] },
      undefined,
      undefined,
      { is: 'again', instance: first },
    ],
    ['was killed by somebody', {}, queued(0), first, { is: 'unclear' }],
    ['is nowhere yet', {}, undefined, undefined, { is: 'waiting' }],
  ])('%s', (_, change, item, instance, seen) => {
    const found = appSchema.parse({ id: 'x', version, instances: 1, ...change });
    expect(readJob({ app: found, queued: item, instance })).toEqual(seen);
  });

  it.each([
    ['Container exited with status 3', { exitCode: 3, reason: 'exited with status 3' }],
    ['Command exited with status 1', { exitCode: 1, reason: 'exited with status 1' }],
    [
      'Container exited with status 137: out of memory',
      { exitCode: 137, reason: 'ran out of memory and was killed' },
    ],
    [
      'Memory limit exceeded: Requested: 32MB',
      { reason: 'ran out of memory and was killed, at 32MB' },
    ],
    [
      'Container exited with status 143: ended by SIGTERM',
      { exitCode: 143, reason: 'was ended by SIGTERM (exited with status 143)' },
    ],
    ['Command terminated with signal Killed', { exitCode: 137, reason: 'was ended by SIGKILL' }],
    ['Failed to pull the image', { reason: 'Failed to pull the image' }],
    ['', { reason: 'was not started by its node' }],
    [
      'OCI runtime create failed: exec: "serve": executable file not found in $PATH: unknown',
      { reason: 'its command serve was not found in the image' },
    ],
  ])('%s', (message, end) => {
    expect(endOf({ state: 'TASK_DROPPED', message })).toEqual(end);
  });

  const guess = { state: 'failed' as const, reason: 'somebody killed it', isGuess: true };
  it.each([
    [guess, { code: 0, outOfMemory: false }, { state: 'succeeded', exitCode: 0 }],
    [guess, { outOfMemory: false }, guess],
    [
      guess,
      { code: 5, outOfMemory: false },
      { ...guess, exitCode: 5, reason: 'exited with status 5' },
    ],
    [
      { state: 'failed' as const, exitCode: 137, reason: 'it was ended by SIGKILL' },
      { code: 137, outOfMemory: true },
      { state: 'failed', exitCode: 137, reason: 'ran out of memory and was killed' },
    ],
  ])('%j and a node that says %j', (ended, exit, merged) => {
    expect(mergeExit(ended, exit)).toEqual(merged);
  });
});

describe('what ends a job', () => {
  it.each([
    [{ timeout: 5, startedAt: 1_000 }, 5_999, undefined],
    [{ timeout: 5, startedAt: 1_000 }, 6_000, 'it was ended after its timeout of 5 s'],
    [{ timeout: 5, sentAt: 0 }, 899_999, undefined],
    [{ timeout: 5, sentAt: 0 }, 900_000, 'it did not start within 900 s'],
    [{ timeout: 2_000, sentAt: 0 }, 900_000, undefined],
    [{ timeout: 5 }, 9_000_000, undefined],
  ])('%j at %d', (given, now, reason) => {
    expect(stopOf(given, now)?.reason).toBe(reason);
  });
});

it('a command runs once for a request in an environment, whatever its service', () => {
  const one = { request: 'r', environment: 'production' };
  expect(jobIdOf(one, 'before')).toMatch(/^[0-9a-f]{24}$/);
  const others = [
    jobIdOf(one, 'after'),
    jobIdOf({ ...one, request: 's' }, 'before'),
    jobIdOf({ ...one, environment: 'staging' }, 'before'),
  ];
  expect(new Set([jobIdOf(one, 'before'), ...others]).size).toBe(4);
});

it('a schedule is of the service and the environments that its job names', () => {
  const spec = { schedule: '0 3 * * *', timezone: 'UTC', command: 'x', timeout: 60 };
  const nightly = { ...spec, name: 'nightly', service: 'web' };
  const jobs = [
    nightly,
    { ...spec, name: 'other', service: 'worker' },
    { ...nightly, name: 'elsewhere', environments: ['staging'] },
    { ...nightly, name: 'both', environments: ['staging', 'production'] },
  ];
  const where = { project: 7, environment: 'production', app };
  expect(wantedOf(jobs, release)).toEqual([
    { ...where, job: nightly },
    { ...where, job: jobs[3] },
  ]);
});
