/** How archives are asked for: within GitLab's limit, and packed where the way is long. */
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitLabSource, createWay } from '../../../src/build/archives/gitlab-source.ts';
import { createArchiveLimits } from '../../../src/stores/archive-limits.ts';
import { type RedisStores, startRedisStores } from '../../fakes/redis-stores.ts';

let stores: RedisStores;

beforeAll(async () => {
  stores = await startRedisStores();
});
afterAll(() => stores.stop());

describe('the limit', () => {
  it('counts each project for itself, in minutes of the clock, for all hosts', async () => {
    const { redis, prefix } = stores.fresh();
    let now = Date.parse('2030-01-01T12:00:50Z');
    const hosts = [1, 2].map(() => createArchiveLimits({ redis, prefix, now: () => now }));
    const take = async (project: number) => {
      const taken: boolean[] = [];
      for (const host of [...hosts, ...hosts]) taken.push((await host.take(project, 3)) === true);
      return taken;
    };
    expect(await take(1)).toEqual([true, true, true, false]);
    expect(await take(2)).toEqual([true, true, true, false]);
    now += 10_000;
    expect(await take(1)).toEqual([true, true, true, false]);
    expect(await hosts[0]?.take(1, 0)).toBe(true);
  });

  it('makes a build wait for the next minute, and GitLab is not asked', async () => {
    const gitlab = { archive: () => Promise.reject(new Error('was asked')) };
    const now = () => Date.parse('2030-01-01T12:00:50Z');
    const source = createGitLabSource({ gitlab, take: async () => false, now });
    await expect(source.fetch({ project: 1, sha: 'f', path: '' })).rejects.toMatchObject({
      ...{ code: 'E_ARCHIVE_LIMIT', retryable: true, retryAfter: 11 },
    });
  });
});

describe('the format', () => {
  /** Sends 10 MiB in small pieces, each MiB in so many milliseconds. */
  async function send(way: ReturnType<typeof createWay>, clock: { now: number }, pace: number) {
    const measured = way.measure();
    const reading = buffer(measured);
    for (let piece = 0; piece < 160; piece++) {
      await new Promise((resolve) => measured.write(Buffer.alloc(64 * 1024), resolve));
      clock.now += pace / 16;
    }
    measured.end();
    await reading;
  }

  it('is plain, and packed for an hour once a plain one came slowly', async () => {
    const clock = { now: 0 };
    const way = createWay(() => clock.now);
    expect(way.format()).toBe('tar');
    await send(way, clock, 40);
    expect(way.format()).toBe('tar');
    await send(way, clock, 60);
    expect(way.format()).toBe('tar.gz');
    clock.now += 61 * 60_000;
    expect(way.format()).toBe('tar');
  });

  it('does not change because the reader is slow', async () => {
    const clock = { now: 0 };
    const way = createWay(() => clock.now);
    const measured = way.measure();
    const pieces = Array.from({ length: 160 }, () => Buffer.alloc(64 * 1024));
    const reader = Readable.from(pieces).pipe(measured).pipe(new PassThrough());
    for await (const _ of reader) clock.now += 1_000;
    expect(way.format()).toBe('tar');
  });

  it.each([
    ['auto', 'tar'],
    ['tar', 'tar'],
    ['tar.gz', 'tar.gz'],
  ] as const)('%s asks for %s', async (format, asked) => {
    const formats: unknown[] = [];
    const gitlab = {
      archive: async (_: number, options: { format?: string }) => {
        formats.push(options.format);
        return Readable.from([]);
      },
    };
    const source = createGitLabSource({ gitlab, format });
    expect(await source.fetch({ project: 1, sha: 'f', path: '' })).toMatchObject({ format: asked });
    expect(formats).toEqual([asked]);
  });
});
