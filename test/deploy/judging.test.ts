/** What becomes of a release of which its own deployment could not tell how it is. */
import { expect, it } from 'vitest';
import { ConflictError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import { catchUp } from '../../src/deploy/rollout/catching-up.ts';
import { verdictOn } from '../../src/deploy/rollout/judging.ts';
import { sampleDeploy } from '../support/samples.ts';
import { asked, eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, away, wrongPort } from './rig.ts';

let rig: OperationsRig;
eachWithRig((fresh) => {
  rig = fresh;
});

const second = { id: 'd2', order: 2, sha: '2'.repeat(40) };
const standing = async (number: number) => (await rig.stores.releases.standing(app, number))?.state;

/** Answers the deployments that it told of. */
async function look(exclusively = rig.stores.locks.exclusively): Promise<string[]> {
  const told: string[] = [];
  await catchUp({
    ...{ ...rig.stores, exclusively, dataCentres: rig.dataCentres, install: 'lab' },
    ...{ isFree: async () => true, log: silent, patience: 500, lastRequests: 0 },
    onGood: async (deployment) => void told.push(deployment),
  });
  return told;
}

/** Release 2 comes while the service is stopped. */
async function whileStopped(): Promise<void> {
  await rig.releases(1);
  await rig.operations.suspend(web, 'ada');
  await rig.push('d2', second);
  expect(await rig.endOf('d2')).toMatchObject({ state: 'succeeded' });
}

it('what came to a stopped service is good once it runs', async () => {
  await whileStopped();
  expect(await look()).toEqual([]);
  expect([await standing(2), (await rig.stores.durations.list(app)).length]).toEqual(['trying', 1]);
  await rig.operations.resume(web, 'ada');
  expect(await look()).toEqual(['d2']);
  expect(await look()).toEqual([]);
  expect(await standing(2)).toBe('good');
});

it('what came to a stopped service and does not run gives way to what did', async () => {
  await whileStopped();
  rig.marathon.play(2, wrongPort);
  await rig.operations.resume(web, 'ada');
  await look();
  expect(await rig.stores.releases.standing(app, 2)).toMatchObject({
    state: 'bad',
    reason: expect.stringMatching(/^not healthy after \d+ s: listens on 3000, checked 8080/),
  });
  expect(rig.labels()['ekiden.release']).toBe('1');
});

it('what was overtaken by one that sent nothing gives way to what was before', async () => {
  await rig.releases(1);
  rig.marathon.play(2, wrongPort);
  await rig.follow(second);
  const done = rig.deploy('d2');
  await expect.poll(() => rig.labels()['ekiden.release']).toBe('2');
  const deploy = { ...sampleDeploy, before: 'migrate' };
  await rig.follow({ id: 'd3', order: 3, sha: '3'.repeat(40), deploy });
  await rig.deploy('d3', { commands: { run: async () => 'exit code 3' } });
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
  await look();
  expect([await standing(2), rig.labels()['ekiden.release']]).toEqual(['bad', '1']);
});

it('what cannot be judged now waits for the next look, and keeps nobody else waiting', async () => {
  await whileStopped();
  await rig.operations.resume(web, 'ada');
  const locked = async () => {
    throw new ConflictError('Somebody else is at it.', { code: 'E_LOCKED' });
  };
  expect(await look(locked)).toEqual([]);
  expect(await look()).toEqual(['d2']);
});

it('nothing is judged while somebody deploys, or once it was taken down', async () => {
  await whileStopped();
  await rig.operations.resume(web, 'ada');
  await rig.follow({ id: 'd3', order: 3 });
  await look();
  await rig.stores.deployments.forget(app);
  await look();
  expect(await standing(2)).toBe('trying');
});

it('a first release that could not be taken back goes once Marathon answers', async () => {
  await rig.follow({ id: 'd1', deadline: 0 });
  rig.marathon.play(1, wrongPort);
  rig.marathon.fail('deleteApp', away());
  await rig.deploy('d1', { last: true });
  expect(await rig.endOf('d1')).toMatchObject({ state: 'failed' });
  expect(rig.instances()).toBe(1);
  await look();
  expect(rig.instances()).toBeUndefined();
  expect(await rig.operations.remove(asked)).toEqual([]);
});

const at = (milliseconds: number) => new Date(milliseconds).toISOString();
const appWith = (change: object) =>
  ({
    ...{ instances: 1, labels: { 'ekiden.release': '2' }, healthChecks: [{}], version: at(0) },
    ...{ tasks: [task({ alive: true })], ...change },
  }) as never;
const task = (check: object | undefined, startedAt = at(0)) => ({
  ...{ version: at(0), state: 'TASK_RUNNING', startedAt },
  healthCheckResults: check ? [check] : [],
});
const sick = { tasks: [task({ alive: false })] };

it.each([
  ['healthy', {}, 'good'],
  ['stopped', { instances: 0, tasks: [] }, undefined],
  ['not healthy for too long', sick, 'bad'],
  ['scaled a moment ago', { ...sick, versionInfo: { lastScalingAt: at(50_000) } }, undefined],
  ['changed a moment ago', { ...sick, versionInfo: { lastConfigChangeAt: at(50_000) } }, undefined],
  ['without a check', { healthChecks: [], tasks: [task(undefined)] }, 'good'],
  ['one that dies again', { healthChecks: [], tasks: [task(undefined, at(59_000))] }, 'bad'],
])('a release that is %s', (_, change, verdict) => {
  expect(verdictOn([appWith(change)], { now: 60_000, deadline: 30 })).toBe(verdict);
});
