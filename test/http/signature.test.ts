/** Signed deliveries (GitLab 19+), against the published implementation of Standard Webhooks. */
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { createSignatureCheck } from '../../src/http/signature.ts';
import { openDoor, payload, secret } from '../hooks/door.ts';
import { useRedis } from '../support/redis.ts';

const redis = useRedis();
const signingToken = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const otherToken = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const id = 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f';
const body = JSON.stringify(payload('push', { user_name: 'Zoë 駅伝' }));

interface Signing {
  text?: string;
  token?: string;
  /** Seconds from now. */
  age?: number;
}

function sign({ text = body, token = signingToken, age = 0 }: Signing = {}) {
  const time = new Date(Math.floor(Date.now() / 1000) * 1000 - age * 1000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(time.getTime() / 1000),
    'webhook-signature': new Webhook(token).sign(id, time, text),
  };
}

const open = () => openDoor({ redis, signingToken });

describe('let in', () => {
  test.each([
    ['a right signature', sign],
    ['an old one that is not too old', () => sign({ age: 240 })],
    ['a clock that is ahead', () => sign({ age: -240 })],
    [
      'two signatures, the second right',
      () => ({
        ...sign(),
        'webhook-signature': `${sign({ token: otherToken })['webhook-signature']} ${sign()['webhook-signature']}`,
      }),
    ],
    [
      'signatures of other versions beside it',
      () => ({ ...sign(), 'webhook-signature': `v1a,AAAA v2, v1 ${sign()['webhook-signature']}` }),
    ],
    ['no token beside the signature', () => ({ ...sign(), 'X-Gitlab-Token': undefined })],
  ])('%s', async (_, headers) => {
    const door = await open();
    const answer = await door.send(body, headers());
    expect(answer.body).toMatchObject({ decision: 'queued', delivery: id });
  });
});

describe('refused with 401', () => {
  test.each([
    ['no signature', () => ({})],
    ['a signature by another key', () => sign({ token: otherToken })],
    ['a signature of another body', () => sign({ text: `${body} ` })],
    ['another id', () => ({ ...sign(), 'webhook-id': 'another' })],
    ['no id', () => ({ ...sign(), 'webhook-id': undefined })],
    [
      'another time',
      () => ({ ...sign(), 'webhook-timestamp': sign({ age: 9 })['webhook-timestamp'] }),
    ],
    ['no time', () => ({ ...sign(), 'webhook-timestamp': undefined })],
    ['no number for a time', () => ({ ...sign(), 'webhook-timestamp': 'now' })],
    ['a stale time', () => sign({ age: 360 })],
    ['a time to come', () => sign({ age: -360 })],
    ['no known version', () => ({ ...sign(), 'webhook-signature': 'v2,abc v1' })],
    ['a wrong token beside a right signature', () => ({ ...sign(), 'X-Gitlab-Token': 'wrong' })],
    ['neither token nor signature', () => ({ 'X-Gitlab-Token': undefined })],
  ])('%s', async (_, headers) => {
    const door = await open();
    const answer = await door.send(body, headers());
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ code: 'E_HOOK_SECRET' });
    expect(`${answer.text}${door.logged()}`).not.toContain(signingToken.slice(6));
    expect(await door.queued()).toEqual([]);
  });
});

test('what is signed rightly and no JSON is 400', async () => {
  const door = await open();
  expect((await door.send('no json', sign({ text: 'no json' }))).status).toBe(400);
});

test('without a signing token signatures are not looked at', async () => {
  const door = await openDoor({ redis });
  expect((await door.send(body, sign({ token: otherToken }))).status).toBe(202);
  const unsigned = { ...sign(), 'X-Gitlab-Token': undefined };
  expect((await door.send(body, unsigned)).status).toBe(401);
  expect((await door.send(body, { ...unsigned, 'X-Gitlab-Token': secret })).status).toBe(200);
});

test.each(['whsec_', 'whsec_AAAA', 'whsec_!!!!'])('the token %s holds no key', (token) => {
  expect(() => createSignatureCheck(token)).toThrow('EKIDEN_SIGNING_TOKEN holds no key');
});
