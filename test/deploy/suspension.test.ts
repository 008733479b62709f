/** Stopping a service for a while, and bringing it back. */
import { expect, it } from 'vitest';
import { eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app } from './rig.ts';

let rig: OperationsRig;
eachWithRig((fresh) => {
  rig = fresh;
});

it('a suspended service comes back with as many instances as somebody had asked for', async () => {
  await rig.releases(1);
  await rig.operations.scale(web, { instances: 4, by: 'ada' });
  const stopped = await rig.operations.suspend(web, 'bob');
  expect(stopped).toMatchObject({ health: 'stopped', reason: 'bob suspended it' });
  await rig.push('next', { order: 2 });
  expect(rig.instances()).toBe(0);
  expect(await rig.operations.resume(web, 'eve')).toMatchObject({ health: 'healthy' });
  expect(rig.instances()).toBe(4);
});

it('with the number of the manifest nothing is left of it', async () => {
  await rig.releases(1);
  await rig.operations.suspend(web, 'bob');
  await rig.operations.resume(web, 'bob');
  expect([rig.instances(), await rig.stores.scales.find(app)]).toEqual([1, undefined]);
});

it('asked twice, each does nothing more', async () => {
  await rig.releases(1);
  await rig.operations.resume(web, 'bob');
  expect(rig.marathon.writes).toEqual([]);
  await rig.operations.scale(web, { instances: 3, by: 'ada' });
  await rig.operations.suspend(web, 'bob');
  await rig.operations.suspend(web, 'bob');
  await rig.operations.resume(web, 'bob');
  expect(rig.instances()).toBe(3);
});

it('what somebody scaled to zero is resumed as the manifest says', async () => {
  await rig.releases(1);
  await rig.operations.scale(web, { instances: 0, by: 'ada' });
  await rig.operations.resume(web, 'bob');
  expect(rig.instances()).toBe(1);
});
