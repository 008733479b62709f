/** What every BuildStore must do. */
import { describe, expect, test } from 'vitest';
import { createBuildStore } from '../../src/stores/builds.ts';
import { createFakeBuildStore } from '../fakes/records.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleBuild } from '../support/samples.ts';

const redis = useRedis();

describe.each([
  ['redis', () => createBuildStore(openRedis(redis))],
  ['fake', createFakeBuildStore],
])('%s', (_, open) => {
  test('an unknown build is undefined, cannot end, and cannot be changed', async () => {
    const builds = open();
    expect(await builds.find('none')).toBeUndefined();
    expect(await builds.end('none', 'failed')).toBe(false);
    await expect(builds.update('none', { reason: 'x' })).rejects.toThrow('There is no build none.');
    expect(await builds.find('none')).toBeUndefined();
  });

  test('a build is kept as it was given', async () => {
    const builds = open();
    const build = sampleBuild({ reason: 'because "so"', order: 3 });
    expect(await builds.create(build)).toEqual(build);
    expect(await builds.find('b1')).toEqual(build);
  });

  test('tells which have not ended', async () => {
    const builds = open();
    await builds.create(sampleBuild({ state: 'succeeded' }));
    for (const id of ['b2', 'b3', 'b4']) await builds.create(sampleBuild({ id }));
    await builds.start('b2');
    await builds.end('b3', 'failed');
    await builds.update('b4', { state: 'skipped' });
    expect(await builds.active()).toEqual(['b2']);
  });

  test('create keeps the first, also when many come at once', async () => {
    const builds = open();
    const shas = Array.from({ length: 20 }, (_, number) => String(number % 10).repeat(40));
    const kept = await Promise.all(shas.map((sha) => builds.create(sampleBuild({ sha }))));
    expect(new Set(kept.map(({ sha }) => sha)).size).toBe(1);
    expect(await builds.find('b1')).toEqual(kept[0]);
  });

  test('update changes the given fields and no other', async () => {
    const builds = open();
    await builds.create(sampleBuild());
    const changed = { ...sampleBuild(), state: 'running', projectPath: 'shop/front' } as const;
    const change = { state: 'running', projectPath: 'shop/front' } as const;
    expect(await builds.update('b1', change)).toEqual(changed);
    expect(await builds.find('b1')).toEqual(changed);
  });

  test('changes of different fields at once are all kept', async () => {
    const builds = open();
    await builds.create(sampleBuild());
    await Promise.all([
      builds.update('b1', { order: 5 }),
      builds.update('b1', { image: 'an image' }),
      builds.update('b1', { deployments: ['d1'] }),
      builds.end('b1', 'succeeded'),
    ]);
    expect(await builds.find('b1')).toMatchObject({
      order: 5,
      image: 'an image',
      deployments: ['d1'],
      state: 'succeeded',
    });
  });

  test.each(['queued', 'running'] as const)('a build that is %s ends once', async (state) => {
    const builds = open();
    await builds.create(sampleBuild({ state }));
    const states = ['succeeded', 'failed', 'superseded', 'skipped'] as const;
    const ends = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        builds.end('b1', states[number % 4] ?? 'failed', `number ${number}`),
      ),
    );
    expect(ends.filter(Boolean)).toHaveLength(1);
    const winner = ends.indexOf(true);
    expect(await builds.find('b1')).toMatchObject({
      state: states[winner % 4],
      reason: `number ${winner}`,
    });
  });

  test('why a build waited is forgotten while it is queued, and not once it ended', async () => {
    const builds = open();
    await builds.create(sampleBuild({ reason: 'waits' }));
    await builds.forgetReason('b1');
    expect((await builds.find('b1'))?.reason).toBeUndefined();
    await builds.end('b1', 'canceled', 'canceled by ada');
    await builds.forgetReason('b1');
    expect((await builds.find('b1'))?.reason).toBe('canceled by ada');
    await builds.forgetReason('none');
    expect(await builds.find('none')).toBeUndefined();
  });

  test('an end without a reason takes away the one for which it waited', async () => {
    const builds = open();
    await builds.create(sampleBuild({ reason: 'waits' }));
    expect(await builds.end('b1', 'succeeded')).toBe(true);
    const ended = await builds.find('b1');
    expect([ended?.state, ended?.reason]).toEqual(['succeeded', undefined]);
  });

  test('lists the builds of a project, newest first', async () => {
    const builds = open();
    for (const [createdAt, id] of [
      [30, 'c'],
      [10, 'a'],
      [20, 'b'],
    ] as const) {
      await builds.create(sampleBuild({ id, createdAt }));
    }
    await builds.create(sampleBuild({ id: 'other', project: 8 }));
    const ids = async (limit: number, cursor?: string) => {
      const { items, next } = await builds.list(7, { limit, ...(cursor ? { cursor } : {}) });
      return [...items.map(({ id }) => id), next];
    };
    expect(await ids(10)).toEqual(['c', 'b', 'a', undefined]);
    expect(await ids(2)).toEqual(['c', 'b', 'b']);
    await builds.create(sampleBuild({ id: 'new', createdAt: 40 }));
    expect(await ids(2, 'b')).toEqual(['a', undefined]);
    expect(await ids(3, 'new')).toEqual(['c', 'b', 'a', undefined]);
    expect(await ids(2, 'forgotten')).toEqual([undefined]);
    expect(await ids(0)).toEqual([undefined]);
    expect(await builds.list(9, { limit: 10 })).toEqual({ items: [] });
  });

  test('an expanded Dockerfile is kept byte for byte', async () => {
    const builds = open();
    const expanded = {
      bytes: Buffer.from([0xff, 0x00, 0x0d, 0x0a, 0xc3]),
      map: [{ file: 'Dockerfile', line: 1, count: 2, via: [{ file: 'x', line: 3 }] }],
    };
    expect(await builds.dockerfile('b1')).toBeUndefined();
    await builds.saveDockerfile('b1', expanded);
    expect(await builds.dockerfile('b1')).toEqual(expanded);
  });
});

test('installations do not see each other', async () => {
  const [one, other] = [createBuildStore(openRedis(redis)), createBuildStore(openRedis(redis))];
  await one.create(sampleBuild());
  expect(await other.find('b1')).toBeUndefined();
  expect(await other.list(7, { limit: 10 })).toEqual({ items: [] });
});
