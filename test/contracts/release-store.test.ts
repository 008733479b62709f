/** What is kept of releases: numbers that an environment shares, how each stands, and for how long. */
import { describe, expect, test } from 'vitest';
import { createAppIds } from '../../src/stores/projects.ts';
import { createReleaseStore } from '../../src/stores/releases.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleRelease } from '../support/samples.ts';

const redis = useRedis();
const { app } = sampleRelease();
const production = { project: 7, environment: 'production' };
const open = () => createReleaseStore(openRedis(redis));

async function withReleases(...numbers: number[]) {
  const releases = open();
  for (const number of numbers) await releases.create(sampleRelease({ number }));
  return releases;
}

describe('numbers', () => {
  test('go up by one for each request, and nobody gets the same', async () => {
    const releases = open();
    const keys = Array.from({ length: 20 }, (_, index) => `request-${index}`);
    const numbers = await Promise.all(keys.map((key) => releases.number(production, key)));
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
    expect(await releases.number({ ...production, environment: 'staging' }, 'request-0')).toBe(1);
    expect(await releases.number({ ...production, project: 8 }, 'request-0')).toBe(1);
  });

  test('are the same for the same request, also much later', async () => {
    const releases = open();
    expect(await releases.isNumbered(production)).toBe(false);
    expect(await releases.number(production, 'first')).toBe(1);
    for (let at = 2; at <= 150; at += 1) await releases.number(production, `of ${at}`);
    expect(await releases.number(production, 'first')).toBe(1);
    expect(await releases.isNumbered(production)).toBe(true);
  });

  test('begin above those that the apps had while each counted for itself', async () => {
    const options = openRedis(redis);
    const ids = createAppIds(options);
    const releases = createReleaseStore(options);
    for (const [service, last] of [
      ['web', 12],
      ['rpc', 31],
    ] as const) {
      await ids.claim({ ...production, service, wanted: `/${service}` });
      await options.redis.hset(`${options.prefix}:app:/${service}:releases`, 'last', last);
    }
    expect(await releases.number(production, 'push')).toBe(32);
    expect(await releases.number(production, 'next')).toBe(33);
  });

  test('begin above those of releases that were put there', async () => {
    const releases = await withReleases(9, 4);
    expect(await releases.number(production, 'push')).toBe(10);
  });

  test('go on when the apps are deleted', async () => {
    const releases = open();
    const number = await releases.number(production, 'push');
    await releases.create(sampleRelease({ number }));
    await releases.delete(app);
    expect(await releases.number(production, 'next')).toBe(2);
  });
});

describe('a release', () => {
  test('is found by its number as it was given', async () => {
    const releases = await withReleases(2);
    expect(await releases.find(app, 2)).toEqual(sampleRelease({ number: 2 }));
    expect(await releases.find(app, 1)).toBeUndefined();
    expect(await releases.find('/other', 2)).toBeUndefined();
  });

  test('does not change: the first that has a number is answered for it', async () => {
    const releases = await withReleases(2);
    const other = sampleRelease({ number: 2, image: 'r/other@sha256:1' });
    expect(await releases.create(other)).toEqual(sampleRelease({ number: 2 }));
    expect(await releases.find(app, 2)).toEqual(sampleRelease({ number: 2 }));
  });

  test('keeps how requests were shared when it became healthy', async () => {
    const releases = await withReleases(1);
    await releases.markGood(app, 1, { '/web': 3 });
    expect(await releases.find(app, 1)).toEqual(
      sampleRelease({ number: 1, weights: { '/web': 3 } }),
    );
    await releases.markGood(app, 1);
    expect(await releases.lastGood(app)).toMatchObject({ weights: { '/web': 3 } });
  });

  test('is one of the newest 50, or the last good one', async () => {
    const releases = await withReleases(1, 2, 3, 5);
    for (const number of [1, 2]) await releases.markGood(app, number);
    await releases.markBad(app, 3, 'no');
    // Numbers of an environment have gaps where other services were deployed alone.
    for (let number = 7; number < 7 + 2 * 49; number += 2) {
      await releases.create(sampleRelease({ number }));
    }
    const numbers = (await releases.list(app)).map(({ release }) => release.number);
    expect([numbers.length, numbers.at(-2), numbers.at(-1)]).toEqual([51, 5, 2]);
    expect(await releases.good(app)).toEqual([2]);
    expect(await releases.lastGood(app)).toMatchObject({ number: 2 });
    expect(await releases.standing(app, 3)).toBeUndefined();
  });

  test('of an app that is deleted is there no more', async () => {
    const releases = await withReleases(1);
    await releases.markGood(app, 1);
    await releases.delete(app);
    expect(await releases.find(app, 1)).toBeUndefined();
    expect(await releases.lastGood(app)).toBeUndefined();
  });
});

describe('how a release stands', () => {
  test('is not known at first, and then what was said last', async () => {
    const releases = await withReleases(1);
    expect(await releases.standing(app, 1)).toEqual({ state: 'trying', since: 1_000 });
    await releases.markBad(app, 1, 'exit code 1');
    expect(await releases.standing(app, 1)).toMatchObject({ state: 'bad', reason: 'exit code 1' });
    await releases.markGood(app, 1);
    expect(await releases.standing(app, 1)).toMatchObject({ state: 'good' });
    expect(await releases.standing(app, 2)).toBeUndefined();
  });

  test('names the last good one: the one that was marked last', async () => {
    const releases = await withReleases(1, 2, 3);
    expect(await releases.lastGood(app)).toBeUndefined();
    for (const number of [3, 1]) await releases.markGood(app, number);
    expect(await releases.good(app)).toEqual([3, 1]);
    expect(await releases.lastGood(app)).toMatchObject({ number: 1 });
    expect(await releases.good('/other')).toEqual([]);
  });

  test('makes the good one before it the last, once that is bad', async () => {
    const releases = await withReleases(1, 2, 3);
    for (const number of [1, 3]) await releases.markGood(app, number);
    await releases.markBad(app, 3, 'no');
    expect([await releases.lastGood(app), await releases.good(app)]).toMatchObject([
      { number: 1 },
      [1],
    ]);
    await releases.markBad(app, 1, 'no');
    expect(await releases.lastGood(app)).toBeUndefined();
  });

  test('is bad for the same commit, or the same image of it, alone', async () => {
    const releases = await withReleases(1);
    const made = sampleRelease();
    expect(await releases.isBad(app, made)).toBe(false);
    await releases.markBad(app, 1, 'no');
    expect(await releases.isBad(app, made)).toBe(true);
    expect(await releases.isBad(app, { ...made, sha: 'b' })).toBe(false);
    expect(await releases.isBad(app, { ...made, image: 'r@sha256:2' })).toBe(false);
    expect(await releases.isBad(app, { sha: made.sha })).toBe(true);
  });

  test('is not bad any more once a newer one of the same became healthy', async () => {
    const releases = await withReleases(1, 2);
    const made = sampleRelease();
    await releases.markBad(app, 1, 'no');
    expect(await releases.isBad(app, made)).toBe(true);
    await releases.markGood(app, 2);
    expect(await releases.isBad(app, made)).toBe(false);
  });
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
