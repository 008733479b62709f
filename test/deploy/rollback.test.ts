/** Going back to an earlier release, and what a crash leaves of it. */
import { describe, expect, it } from 'vitest';
import { asked, eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, away, wrongPort } from './rig.ts';

let rig: OperationsRig;

eachWithRig((fresh) => {
  rig = fresh;
});

describe('rolling back', () => {
  it('brings back the good release before the current, as it was', async () => {
    await rig.releases(3);
    const before = await rig.stores.releases.find(app, 2);
    const made = await rig.operations.rollback(asked);
    expect(made).toMatchObject([
      { kind: 'rollback', by: 'ada', release: 2, sha: '2'.repeat(40), order: 3, state: 'queued' },
    ]);
    expect(rig.handedOn).toEqual([{ type: 'deployment.requested', deployment: made[0]?.id }]);
    await rig.work(made);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 2 force`]);
    expect(rig.marathon.definitionOf(app)).toEqual(before?.definition);
    expect((await rig.endOf(made[0]?.id ?? '')).state).toBe('succeeded');
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 2 });
    expect(await rig.stores.deployments.find(made[0]?.id ?? '')).toMatchObject({
      addresses: ['http://shop-cart.apps.test'],
      variables: ['LOG_DIR'],
    });
  });

  it('goes further back when asked again, and to any release that was good', async () => {
    await rig.releases(3);
    await rig.work(await rig.operations.rollback(asked));
    await rig.work(await rig.operations.rollback(asked));
    expect(rig.labels()['ekiden.release']).toBe('1');
    await rig.work(await rig.operations.rollback({ ...asked, release: 3 }));
    expect(rig.labels()['ekiden.release']).toBe('3');
  });

  it('is followed by the next push, and not by an older one that comes late', async () => {
    await rig.releases(2);
    const made = await rig.operations.rollback(asked);
    await rig.follow({ id: 'late', order: 1 });
    expect(await rig.deploy('late')).toEqual([
      { type: 'deployment.superseded', deployment: 'late' },
    ]);
    await rig.work(made);
    expect(rig.labels()['ekiden.release']).toBe('1');
    await rig.push('next', { order: 3 });
    expect(rig.labels()['ekiden.release']).toBe('3');
  });

  it('takes the app from a push that is under way, which says who did it', async () => {
    await rig.releases(2);
    rig.marathon.play(3, wrongPort);
    await rig.follow({ id: 'slow', order: 3 });
    const slow = rig.deploy('slow');
    await expect.poll(() => rig.labels()['ekiden.release']).toBe('3');
    const made = await rig.operations.rollback(asked);
    expect(await slow).toEqual([{ type: 'deployment.superseded', deployment: 'slow' }]);
    expect((await rig.endOf('slow')).reason).toBe('superseded: ada rolled back to release 2');
    await rig.work(made);
    expect(rig.labels()['ekiden.release']).toBe('2');
  });

  it('goes from a push under way to what served before, and not to what somebody left', async () => {
    await rig.releases(2);
    await rig.work(await rig.operations.rollback(asked));
    rig.marathon.play(3, wrongPort);
    await rig.follow({ id: 'slow', order: 3 });
    const slow = rig.deploy('slow');
    await expect.poll(() => rig.labels()['ekiden.release']).toBe('3');
    const [made] = await rig.operations.rollback(asked);
    await slow;
    expect(made?.release).toBe(1);
  });

  it('that does not become healthy is reversed like any deployment', async () => {
    await rig.releases(2);
    rig.marathon.play(1, wrongPort);
    const made = await rig.operations.rollback(asked);
    await rig.stores.deployments.update(made[0]?.id ?? '', { deadline: 0 });
    await rig.work(made);
    expect(await rig.endOf(made[0]?.id ?? '')).toEqual({
      state: 'failed',
      reason: 'not healthy after 0 s, back to release 2: listens on 3000, checked 8080',
    });
    expect(rig.labels()['ekiden.release']).toBe('2');
  });

  it('keeps the number of instances that somebody asked for', async () => {
    await rig.releases(2);
    await rig.operations.scale(web, { instances: 5, by: 'bob' });
    await rig.work(await rig.operations.rollback(asked));
    expect([rig.labels()['ekiden.release'], rig.instances()]).toEqual(['1', 5]);
  });

  it.each([
    [1, {}, 'web has no earlier release that was healthy to go back to.'],
    [2, { release: 7 }, 'web has no release 7 that was healthy to go back to.'],
    [2, { release: 2 }, 'web has no release 2 that was healthy to go back to.'],
  ])('of %i releases with %o is refused', async (count, more, message) => {
    await rig.releases(count);
    await expect(rig.operations.rollback({ ...asked, ...more })).rejects.toMatchObject({
      ...{ message, status: 409, code: 'E_RELEASE' },
    });
    expect(rig.handedOn).toEqual([]);
    expect(await rig.stores.deployments.leader(app)).toBe(`r${count}`);
  });

  it('offers nothing that was never healthy', async () => {
    await rig.releases(1);
    rig.marathon.play(2, wrongPort);
    await rig.push('bad', { order: 2, deadline: 0, sha: 'bad' });
    await rig.push('good', { order: 3 });
    await expect(rig.operations.rollback({ ...asked, release: 2 })).rejects.toMatchObject({
      message: expect.stringContaining('Release 2 of web'),
      hint: 'Healthy were 1; 3 runs. Say force to bring it back all the same.',
    });
  });

  it.each([
    [{ environment: 'staging' }, 'Nothing runs in staging.', 409],
    [{ services: ['web', 'rpc'] }, 'There is no service rpc in production.', 404],
    [{ project: 8 }, 'Nothing runs in production.', 409],
  ])('of %o says what is missing', async (more, message, status) => {
    await rig.releases(2);
    await expect(rig.operations.rollback({ ...asked, ...more })).rejects.toMatchObject({
      ...{ message, status },
    });
    expect(rig.marathon.writes).toEqual([]);
  });
});

describe('a crash', () => {
  it('between the lead and the queue is mended by asking again', async () => {
    await rig.releases(3);
    const failing = rig.operationsThat(() => Promise.reject(away()));
    await expect(failing.rollback(asked)).rejects.toThrow('Marathon is away.');
    const lost = (await rig.stores.deployments.leader(app)) ?? '';
    expect(await rig.endOf(lost)).toEqual({ state: 'queued' });
    const made = await rig.operations.rollback(asked);
    expect(await rig.endOf(lost)).toEqual({
      state: 'superseded',
      reason: 'superseded: ada rolled back to release 2',
    });
    expect(rig.handedOn).toEqual([
      { type: 'deployment.superseded', deployment: lost },
      { type: 'deployment.requested', deployment: made[0]?.id },
    ]);
    await rig.work(made);
    expect(rig.labels()['ekiden.release']).toBe('2');
  });

  it('before Marathon answers leaves a rollback that is sent again', async () => {
    await rig.releases(2);
    const made = await rig.operations.rollback(asked);
    rig.marathon.fail('putApp', away(), { after: true });
    await expect(rig.work(made)).rejects.toThrow('Marathon is away.');
    await rig.work(made);
    expect((await rig.endOf(made[0]?.id ?? '')).state).toBe('succeeded');
    expect(rig.labels()['ekiden.release']).toBe('1');
  });

  it('between Marathon and the note of a scale is mended by asking again', async () => {
    await rig.releases(1);
    rig.marathon.fail('scale', away(), { after: true });
    await expect(rig.operations.scale(web, { instances: 3, by: 'ada' })).rejects.toThrow('away');
    expect(rig.instances()).toBe(3);
    expect(await rig.stores.scales.find(app)).toBeUndefined();
    await rig.operations.scale(web, { instances: 3, by: 'ada' });
    expect(await rig.stores.scales.find(app)).toMatchObject({ instances: 3, manifest: 1 });
  });
});
