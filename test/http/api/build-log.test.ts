/** What the API answers of logs that are no longer kept, in part or at all. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild } from '../../support/samples.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

test('a log that grew too long is answered with what is kept of it', async () => {
  const api = await openApi({ redis });
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  const path = `/projects/${api.project}/builds/b1/log`;
  const { buildLogStore: store } = api.ekiden;
  const kept = [
    { offset: 0, bytes: Buffer.from('one\n') },
    { offset: 8, bytes: Buffer.from('three\n') },
  ];
  Object.assign(store, {
    state: async () => ({ size: 14, modifiedAt: 1, gap: { start: 4, stop: 8 } }),
    read: async (_build: string, from: number) =>
      kept
        .filter(({ offset, bytes }) => offset + bytes.length > from)
        .map((piece) => ({
          offset: Math.max(piece.offset, from),
          bytes: piece.bytes.subarray(Math.max(0, from - piece.offset)),
        })),
  });
  const token = api.tokens.reporter;
  const ask = async (Range?: string) => {
    const answer = await api.call('GET', path, { token, headers: Range ? { Range } : {} });
    return [answer.status, answer.headers.get('content-range'), answer.text];
  };
  expect(await ask()).toEqual([200, null, 'one\n\n[4 bytes are no longer kept here]\nthree\n']);
  expect(await ask('bytes=0-13')).toEqual([206, 'bytes 0-3/14', 'one\n']);
  expect(await ask('bytes=6-')).toEqual([206, 'bytes 8-13/14', 'three\n']);
  expect(await ask('bytes=-12')).toEqual([206, 'bytes 8-13/14', 'three\n']);
  expect(await ask('bytes=-99')).toEqual([206, 'bytes 8-13/14', 'three\n']);
  expect(await ask('bytes=9-10')).toEqual([206, 'bytes 9-10/14', 'hr']);
  expect((await ask('bytes=5-6'))[0]).toBe(410);
  const { headers } = await api.call('HEAD', path, { token });
  expect(headers.get('content-length')).toBeNull();
});

test('an answer whose bytes go while they are read breaks off, and keeps nobody waiting', async () => {
  const api = await openApi({ redis });
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  Object.assign(api.ekiden.buildLogStore, {
    state: async () => ({ size: 500, modifiedAt: 1 }),
    read: async (_build: string, from: number) =>
      from === 0 ? [{ offset: 0, bytes: Buffer.from('one\n') }] : [],
  });
  const path = `/projects/${api.project}/builds/b1/log`;
  const asked = api.call('GET', path, { token: api.tokens.reporter });
  await expect(asked).rejects.toThrow();
});

test('a log that was given up is gone, and a build that said nothing has an empty one', async () => {
  const api = await openApi({ redis });
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  const path = `/projects/${api.project}/builds/b1/log`;
  const token = api.tokens.reporter;
  expect(await api.call('GET', path, { token })).toMatchObject({ status: 200, text: '' });
  const addition = { build: 'b1', writer: 'a', number: 1, bytes: Buffer.from('gone\n') };
  await api.ekiden.buildLogStore.append(addition);
  const { redis: connection, prefix } = api.ekiden as unknown as {
    redis: { del(key: string): Promise<number> };
    prefix: string;
  };
  await connection.del(`${prefix}:build-log-pieces:b1`);
  expect(await api.call('GET', path, { token })).toMatchObject({
    status: 410,
    body: { code: 'E_LOG_GONE', detail: expect.stringContaining('EKIDEN_BUILD_LOG_DAYS') },
  });
});
