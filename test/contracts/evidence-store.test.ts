/** What every EvidenceStore must do. */
import { describe, expect, test } from 'vitest';
import { createEvidenceStore } from '../../src/stores/evidence.ts';
import { createReleaseStore } from '../../src/stores/releases.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleEvidence, sampleRelease } from '../support/samples.ts';

const redis = useRedis();
const { app } = sampleEvidence();

const ids = (list: { instance: string }[]) => list.map(({ instance }) => instance);

describe('evidence in Redis', () => {
  test('is found as it was given, and listed without what is long', async () => {
    const evidence = createEvidenceStore(openRedis(redis));
    const given = sampleEvidence();
    expect(await evidence.save(given)).toBe(true);
    expect(await evidence.find(app, 3, given.instance)).toEqual(given);
    const { logs: _, usage: __, ...summary } = given;
    expect(await evidence.list(app, 3)).toEqual([summary]);
    expect(await evidence.releases(app)).toEqual([3]);
    expect(await evidence.find(app, 4, given.instance)).toBeUndefined();
    expect(await evidence.list('/other', 3)).toEqual([]);
    expect(await evidence.count('/other', 3)).toBe(0);
  });

  test('is kept once for each instance', async () => {
    const evidence = createEvidenceStore(openRedis(redis));
    expect(await evidence.isKnown(app, 3, sampleEvidence().instance)).toBe(false);
    await evidence.save(sampleEvidence());
    expect(await evidence.save(sampleEvidence({ reason: 'another' }))).toBe(false);
    expect(await evidence.isKnown(app, 3, sampleEvidence().instance)).toBe(true);
    expect(await evidence.list(app, 3)).toMatchObject([{ reason: sampleEvidence().reason }]);
    expect(await evidence.count(app, 3)).toBe(1);
  });

  test('of a release the first and the newest five are kept, and all are counted', async () => {
    const evidence = createEvidenceStore(openRedis(redis));
    for (let at = 1; at <= 12; at += 1)
      await evidence.save(sampleEvidence({ instance: `i${at}`, at }));
    const kept = ['i1', 'i2', 'i3', 'i4', 'i5', 'i8', 'i9', 'i10', 'i11', 'i12'];
    expect(ids(await evidence.list(app, 3))).toEqual(kept);
    expect(await evidence.find(app, 3, 'i6')).toBeUndefined();
    expect(await evidence.save(sampleEvidence({ instance: 'i6', at: 6 }))).toBe(false);
    expect(await evidence.count(app, 3)).toBe(12);
  });

  test('is forgotten with its release, and with its app', async () => {
    const options = openRedis(redis);
    const evidence = createEvidenceStore(options);
    const releases = createReleaseStore(options);
    await releases.create(sampleRelease({ app, number: 3 }));
    for (const release of [3, 9]) await evidence.save(sampleEvidence({ release }));
    await releases.create(sampleRelease({ app, number: 10 }));
    expect(await evidence.releases(app)).toEqual([3]);
    expect(await evidence.list(app, 9)).toEqual([]);
    await releases.delete(app);
    expect(await evidence.releases(app)).toEqual([]);
    expect(await options.redis.keys(`${options.prefix}:app:*evidence*`)).toEqual([]);
  });
});
