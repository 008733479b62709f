/** Refusals that come before an endpoint's own work; each answer is held to the document. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

test('a token that may not read the API is told so', async () => {
  const { call, gitlab } = await openApi({ redis });
  const { id } = gitlab.createUser({ username: 'narrow' });
  const token = gitlab.createToken({ userId: id, scopes: ['read_user'] });
  for (const [method, path] of [
    ['GET', '/self'],
    ['GET', '/projects'],
    ['POST', '/tickets'],
  ] as const) {
    const body = method === 'POST' ? {} : undefined;
    expect(await call(method, path, { token, body })).toMatchObject({
      status: 403,
      body: { code: 'E_TOKEN_SCOPE' },
    });
  }
});

test('an address that is no URL is told so', async () => {
  const { call, tokens } = await openApi({ redis });
  expect(await call('GET', '/projects/%E0%A4%A', { token: tokens.guest })).toMatchObject({
    status: 400,
    body: { code: 'E_ADDRESS' },
  });
});

test('a session of another site gets no ticket', async () => {
  const { call, ekiden, tokens } = await openApi({ redis });
  const caller = await ekiden.access.identify({ kind: 'token', value: tokens.guest });
  const id = await ekiden.access.openSession(caller);
  const headers = { Cookie: `ekiden_session=${id}`, Origin: 'https://evil.example' };
  expect(await call('POST', '/tickets', { headers, body: {} })).toMatchObject({
    status: 403,
    body: { code: 'E_ORIGIN' },
  });
});

test.each(['"tag"', 'W/"tag"', '"other", W/"tag"', '*'])(
  'what is known by %s is not sent again',
  async (form) => {
    const { call, ekiden, project, tokens } = await openApi({ redis });
    ekiden.discovery = { ofProject: async () => [], nginxOf: async () => 'upstream x {}\n' };
    const path = `/projects/${project}/discovery/nginx`;
    const etag = (await call('GET', path, { token: tokens.reporter })).headers.get('etag') ?? '';
    const headers = { 'If-None-Match': form.replace('"tag"', etag) };
    expect(await call('GET', path, { token: tokens.reporter, headers })).toMatchObject({
      status: 304,
      text: '',
    });
  },
);
