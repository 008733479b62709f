/** What every ReleaseStore must do. */
import { describe, expect, test } from 'vitest';
import { createReleaseStore } from '../../src/stores/releases.ts';
import { createFakeReleaseStore } from '../fakes/records.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleRelease } from '../support/samples.ts';

const redis = useRedis();
const { app } = sampleRelease();

describe.each([
  ['redis', () => createReleaseStore(openRedis(redis))],
  ['fake', createFakeReleaseStore],
])('%s', (_, open) => {
  test('numbers go up by one, for each app, and nobody gets the same', async () => {
    const releases = open();
    const numbers = await Promise.all(Array.from({ length: 20 }, () => releases.next(app)));
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
    expect(await releases.next('/other')).toBe(1);
  });

  test('a release is found by its number as it was given', async () => {
    const releases = open();
    await releases.create(sampleRelease({ number: 2 }));
    expect(await releases.find(app, 2)).toEqual(sampleRelease({ number: 2 }));
    expect(await releases.find(app, 1)).toBeUndefined();
    expect(await releases.find('/other', 2)).toBeUndefined();
  });

  test('the last good one is the one that was marked last', async () => {
    const releases = open();
    expect(await releases.lastGood(app)).toBeUndefined();
    for (const number of [1, 2, 3]) await releases.create(sampleRelease({ number }));
    expect(await releases.lastGood(app)).toBeUndefined();
    await releases.markGood(app, 2);
    expect(await releases.lastGood(app)).toEqual(sampleRelease({ number: 2 }));
    await releases.markGood(app, 3);
    expect(await releases.lastGood(app)).toEqual(sampleRelease({ number: 3 }));
  });

  test('the good ones are those that were marked, newest first', async () => {
    const releases = open();
    expect(await releases.good(app)).toEqual([]);
    for (const number of [1, 2, 3]) await releases.create(sampleRelease({ number }));
    await releases.markGood(app, 3);
    await releases.markGood(app, 1);
    expect(await releases.good(app)).toEqual([3, 1]);
    expect(await releases.lastGood(app)).toMatchObject({ number: 1 });
    expect(await releases.good('/other')).toEqual([]);
  });

  test('keeps the newest 50, and the last good one', async () => {
    const releases = open();
    for (const number of [1, 2, 3]) await releases.create(sampleRelease({ number }));
    await releases.markGood(app, 1);
    await releases.markGood(app, 2);
    for (const number of [51, 52, 53]) await releases.create(sampleRelease({ number }));
    expect(await releases.find(app, 1)).toBeUndefined();
    expect(await releases.find(app, 2)).toBeDefined();
    expect(await releases.find(app, 3)).toBeUndefined();
    expect(await releases.find(app, 51)).toBeDefined();
    expect(await releases.good(app)).toEqual([2]);
    expect(await releases.lastGood(app)).toMatchObject({ number: 2 });
  });

  test('the images are those of all apps, each once, and none of an app that is deleted', async () => {
    const releases = open();
    expect(await releases.images()).toEqual(new Set());
    await releases.create(sampleRelease({ number: 1, image: 'r/a@sha256:1' }));
    await releases.create(sampleRelease({ number: 2, image: 'r/a@sha256:1' }));
    await releases.create(sampleRelease({ number: 3, image: 'r/a@sha256:2' }));
    await releases.create(sampleRelease({ app: '/other', number: 1, image: 'r/b@sha256:3' }));
    await releases.markGood(app, 1);
    expect(await releases.images()).toEqual(
      new Set(['r/a@sha256:1', 'r/a@sha256:2', 'r/b@sha256:3']),
    );
    await releases.delete('/other');
    expect(await releases.images()).toEqual(new Set(['r/a@sha256:1', 'r/a@sha256:2']));
  });

  test('an app that is deleted has no releases any more', async () => {
    const releases = open();
    await releases.create(sampleRelease({ number: await releases.next(app) }));
    await releases.markGood(app, 1);
    await releases.delete(app);
    expect(await releases.find(app, 1)).toBeUndefined();
    expect(await releases.lastGood(app)).toBeUndefined();
    expect(await releases.next(app)).toBe(1);
  });
});
