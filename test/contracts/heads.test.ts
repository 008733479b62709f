/** What every Heads must do. */
import { describe, expect, test } from 'vitest';
import { createHeads } from '../../src/stores/builds.ts';
import { createFakeHeads } from '../fakes/records.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const main = { project: 7, ref: 'refs/heads/main' };

describe.each([
  ['redis', () => createHeads(openRedis(redis))],
  ['fake', createFakeHeads],
])('%s', (_, open) => {
  test('the first claim has nobody before it', async () => {
    const heads = open();
    expect(await heads.current(7, main.ref)).toBeUndefined();
    expect(await heads.claim({ ...main, sha: 'aa', build: 'b1' })).toEqual({ order: 1 });
    expect(await heads.current(7, main.ref)).toEqual({ build: 'b1', sha: 'aa' });
  });

  test('the next claim learns who held the ref', async () => {
    const heads = open();
    await heads.claim({ ...main, sha: 'aa', build: 'b1' });
    expect(await heads.claim({ ...main, sha: 'bb', build: 'b2' })).toEqual({
      order: 2,
      previous: { build: 'b1', sha: 'aa' },
    });
    expect(await heads.current(7, main.ref)).toEqual({ build: 'b2', sha: 'bb' });
  });

  test('a claim that is repeated keeps its rank', async () => {
    const heads = open();
    await heads.claim({ ...main, sha: 'aa', build: 'b1' });
    await heads.claim({ ...main, sha: 'bb', build: 'b2' });
    expect(await heads.claim({ ...main, sha: 'bb', build: 'b2' })).toEqual({ order: 2 });
  });

  test('ranks are counted over all refs of a project, and for each project alone', async () => {
    const heads = open();
    const claim = (project: number, ref: string, build: string) =>
      heads.claim({ project, ref, sha: 'aa', build });
    expect((await claim(7, 'refs/heads/a', 'b1'))?.order).toBe(1);
    expect((await claim(7, 'refs/heads/b', 'b2'))?.order).toBe(2);
    expect((await claim(8, 'refs/heads/a', 'b3'))?.order).toBe(1);
    expect((await claim(7, 'refs/tags/a', 'b4'))?.previous).toBeUndefined();
  });

  test('a claim after another holder than the named one is lost', async () => {
    const heads = open();
    expect(await heads.claim({ ...main, sha: 'aa', build: 'b1', after: 'b0' })).toBeUndefined();
    expect(await heads.claim({ ...main, sha: 'aa', build: 'b1', after: '' })).toEqual({ order: 1 });
    expect(await heads.claim({ ...main, sha: 'bb', build: 'b2', after: '' })).toBeUndefined();
    expect(await heads.current(7, main.ref)).toEqual({ build: 'b1', sha: 'aa' });
    expect(await heads.claim({ ...main, sha: 'bb', build: 'b2', after: 'b1' })).toMatchObject({
      order: 2,
    });
    expect(await heads.claim({ ...main, sha: 'bb', build: 'b2', after: 'b1' })).toEqual({
      order: 2,
    });
  });

  test('a commit that is told once more keeps its rank, unless a person asks for it', async () => {
    const heads = open();
    await heads.claim({ ...main, sha: 'aa', build: 'b1' });
    const previous = { build: 'b1', sha: 'aa' };
    expect(await heads.claim({ ...main, sha: 'aa', build: 'b2' })).toEqual({ order: 1, previous });
    expect(await heads.current(7, main.ref)).toEqual({ build: 'b2', sha: 'aa' });
    const asked = await heads.claim({ ...main, sha: 'aa', build: 'b3', isAsked: true });
    expect(asked?.order).toBe(2);
    expect((await heads.claim({ ...main, sha: 'bb', build: 'b4' }))?.order).toBe(3);
    expect((await heads.claim({ ...main, sha: 'aa', build: 'b5' }))?.order).toBe(4);
  });

  test('claims at once form one row', async () => {
    const heads = open();
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        heads.claim({ ...main, sha: `${number}`, build: `b${number}` }),
      ),
    );
    expect(claims.map((claim) => claim?.order).sort((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, number) => number + 1),
    );
    const before = claims.flatMap((claim) => (claim?.previous ? [claim.previous.build] : []));
    expect(new Set(before).size).toBe(19);
    const last = claims.findIndex((claim) => claim?.order === 20);
    expect(await heads.current(7, main.ref)).toEqual({ build: `b${last}`, sha: `${last}` });
  });

  test('a ref that was released has no head, and its ranks go on', async () => {
    const heads = open();
    await heads.claim({ ...main, sha: 'aa', build: 'b1' });
    await heads.release(7, main.ref);
    expect(await heads.current(7, main.ref)).toBeUndefined();
    expect(await heads.claim({ ...main, sha: 'aa', build: 'b2' })).toEqual({ order: 2 });
  });
});
