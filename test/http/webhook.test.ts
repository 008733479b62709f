/** The order of the checks at the door, their codes, and that every answer can be read. */
import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Door, openDoor, payload, secret } from '../hooks/door.ts';
import { useRedis } from '../support/redis.ts';
import { head, openRaw } from './raw.ts';

const redis = useRedis();
const limit = 25 * 1024 * 1024;
const token = { 'X-Gitlab-Token': secret };

async function dial(door: Door) {
  const raw = await openRaw(door.url);
  onTestFinished(() => raw.end());
  return raw;
}

describe('methods', () => {
  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s is 405', async (method) => {
    const door = await openDoor({ redis });
    const answer = await fetch(door.url, { method, headers: token });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(await answer.json()).toMatchObject({ code: 'E_METHOD' });
  });

  test('a query does not matter', async () => {
    const door = await openDoor({ redis });
    expect((await fetch(`${door.url}?x=1`)).status).toBe(405);
  });
});

describe('size', () => {
  test('over 25 MiB by Content-Length is 413 before the token is looked at', async () => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    await raw.write(head({ 'X-Gitlab-Token': 'wrong', 'Content-Length': limit + 1 }));
    expect(await raw.answer()).toMatchObject({
      status: 413,
      body: expect.stringContaining('E_TOO_LARGE'),
    });
  });

  test('a chunked body that grows over it is 413, and the client can read that', async () => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    await raw.write(head({ ...token, 'Transfer-Encoding': 'chunked' }));
    const chunk = Buffer.alloc(1 << 20, 'x');
    for (let sent = 0; sent < limit + 16 * chunk.length; sent += chunk.length) {
      await raw.write(`${chunk.length.toString(16)}\r\n`);
      await raw.write(chunk);
      await raw.write('\r\n');
    }
    await raw.write('0\r\n\r\n');
    expect(await raw.answer()).toMatchObject({ status: 413 });
  });

  test.each([
    ['too large', { 'X-Gitlab-Token': secret }, limit + 1, 413],
    ['unauthorised', { 'X-Gitlab-Token': 'wrong' }, limit, 401],
  ])('who sends all of a body that is %s reads the answer', async (_, headers, size, status) => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    await raw.write(head({ ...headers, Connection: 'close', 'Content-Length': size }));
    await raw.write(Buffer.alloc(size, ' '));
    expect(await raw.answer()).toMatchObject({ status });
  });

  test('25 MiB are taken', async () => {
    const door = await openDoor({ redis });
    const text = JSON.stringify(payload('push', { ref: 'refs/heads/large' }));
    const answer = await door.send(text.padEnd(limit, ' '));
    expect(answer.body.decision).toBe('queued');
  });

  test.each([0, 200_000, 1 << 20])(
    'a body of a push with %i bytes more is answered',
    async (more) => {
      const door = await openDoor({ redis });
      const answer = await door.send(payload('push', { message: 'é'.repeat(more / 2) }));
      expect(answer.body.decision).toBe('queued');
    },
  );
});

describe('token', () => {
  test.each([
    ['missing', {}],
    ['wrong', { 'X-Gitlab-Token': 'wrong' }],
    ['empty', { 'X-Gitlab-Token': '' }],
    ['longer', { 'X-Gitlab-Token': `${secret}x` }],
    ['shorter', { 'X-Gitlab-Token': secret.slice(0, -1) }],
    ['in other letters', { 'X-Gitlab-Token': secret.toUpperCase() }],
  ])('%s: 401 before the body is read', async (_, headers) => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    await raw.write(head({ ...headers, 'Content-Length': 1_000 }));
    const answer = await raw.answer();
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'E_HOOK_SECRET',
      detail: expect.stringContaining('EKIDEN_HOOK_SECRET'),
    });
  });

  test('may hold any characters', async () => {
    const hookSecret = 'Straße 駅伝';
    const door = await openDoor({ redis, hookSecret });
    const raw = await dial(door);
    await raw.write(`${head({ 'X-Gitlab-Token': hookSecret, 'Content-Length': 2 })}{}`);
    expect(await raw.answer()).toMatchObject({ status: 200 });
  });

  test('given twice it is wrong', async () => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    const twice = head({ ...token, 'Content-Length': 2, 'x-gitlab-token': secret });
    await raw.write(`${twice}{}`);
    expect(await raw.answer()).toMatchObject({ status: 401 });
  });

  test('secrets are in no answer and in no line of the log', async () => {
    const door = await openDoor({ redis });
    const guess = 'a-guess-of-the-secret';
    const texts = [
      await door.send(payload('push')),
      await door.send('no json'),
      await door.send(payload('push'), { 'X-Gitlab-Token': guess }),
    ].map((answer) => `${answer.text}${JSON.stringify([...answer.headers])}`);
    expect(door.logged()).toContain('hook refused');
    for (const text of [...texts, door.logged()]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(guess);
    }
  });
});

describe('body', () => {
  test.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['half a body', '{"object_kind":"push"'],
    ['a form', 'payload=%7B%7D'],
    ['broken UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['half a character', Buffer.from([0x22, 0xc3, 0x22])],
    ['UTF-16', Buffer.from('{"object_kind":"push"}', 'utf16le')],
    ['a surrogate in bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('%s is 400', async (_, body) => {
    const door = await openDoor({ redis });
    const answer = await door.send(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'E_NO_JSON' });
    expect(await door.queued()).toEqual([]);
  });

  test('lists within lists without end are answered', async () => {
    const door = await openDoor({ redis });
    const depth = 500_000;
    const answer = await door.send(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    expect([200, 400]).toContain(answer.status);
    expect((await door.send(payload('push'))).status).toBe(202);
  });

  test('the answer keeps under 8 KiB, whatever names and keys are long', async () => {
    const door = await openDoor({ redis });
    const ref = `refs/heads/${'\u{1f680}'.repeat(1_000)}`;
    const answer = await door.send(payload('push', { ref, after: '0'.repeat(40) }), {
      'Idempotency-Key': 'k'.repeat(8_000),
    });
    expect(answer.body.decision).toBe('queued');
    expect(Buffer.byteLength(answer.text)).toBeLessThan(8 * 1024);
  });

  test('what can be kept nowhere is answered 200, with what to do and no word of where', async () => {
    const door = await openDoor({ redis });
    await rm(door.data, { recursive: true });
    await writeFile(door.data, 'a file where the folder of the spool should be');
    await redis.stop();
    const answer = await door.send(payload('push')).finally(() => redis.start());
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      delivery: expect.any(String),
      decision: 'ignored',
      reason:
        'Ekiden cannot keep the delivery: its queue is away and its data folder takes nothing (ENOTDIR). Resend the delivery once that is mended.',
    });
    expect(door.logged()).toContain('a hook failed');
  });

  test('a client that goes away in the middle of its body harms nobody', async () => {
    const door = await openDoor({ redis });
    const raw = await dial(door);
    await raw.write(`${head({ ...token, 'Content-Length': 1_000 })}{"object_kind":`);
    raw.end();
    await expect.poll(() => door.logged()).toContain('hook refused');
    expect((await door.send(payload('push'))).status).toBe(202);
  });
});
