/** The hook of a project: made, mended, tried out and taken back, with the real receiver behind it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { createGitLabHooks } from '../../src/clients/gitlab-hooks.ts';
import { silent } from '../../src/core/log.ts';
import {
  createHookRegistration,
  type HookRegistrationOptions,
} from '../../src/gitlab/hook-registration.ts';
import { createWebhook } from '../../src/http/webhook.ts';
import { type GitLabOptions, type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';

const signingToken = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let data: string;
let gitlab: GitLabStandIn;
let ekiden: Server;
let url: string;
let payloads: unknown[];
let project: number;

beforeAll(async () => {
  data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'hook-'));
  gitlab = await startGitLab({ data: join(data, 'shared') });
  const take = createWebhook({
    secret: 'right',
    signingToken: undefined,
    handle: async (payload) => {
      payloads.push(payload);
      return { decision: 'queued', reason: 'it is to be built' };
    },
    log: silent,
  });
  ekiden = createServer((request, response) => void take(request, response));
  await new Promise<void>((ready) => ekiden.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(ekiden.address() as AddressInfo).port}`;
});
afterAll(async () => {
  ekiden.close();
  await gitlab.stop();
  await rm(data, { recursive: true, force: true });
});
beforeEach(async () => {
  payloads = [];
  gitlab.faults.clear();
  project = await newProject(gitlab);
});

async function newProject(at: GitLabStandIn, isEmpty = false) {
  const { id } = await at.createProject({ path: `shop/${crypto.randomUUID().slice(0, 8)}` });
  if (!isEmpty) await at.commit(id, { branch: 'main', message: 'one', files: { a: '1' } });
  return id;
}

/** A GitLab of another release, for one test. */
async function olderGitLab(options: Partial<GitLabOptions>) {
  const folder = await mkdtemp(join(data, 'older-'));
  const older = await startGitLab({ data: folder, ...options });
  onTestFinished(() => older.stop());
  return older;
}

function open(at = gitlab, change: Partial<HookRegistrationOptions> & { token?: string } = {}) {
  const hooks = createGitLabHooks({ url: at.url, token: change.token ?? at.token });
  const secret = async () => 'right';
  return {
    hooks,
    registration: createHookRegistration({
      hooks,
      url,
      secret,
      signingToken: undefined,
      ...change,
    }),
  };
}

it('is made, and a push that is sent for a test arrives', async () => {
  const { hooks, registration } = open();
  const made = await registration.enable(project);
  expect(made).toEqual({
    hook: { id: expect.any(Number), url: `${url}/hooks/gitlab` },
    change: 'created',
    test: { outcome: 'arrived', decision: 'queued', reason: 'it is to be built' },
  });
  expect(payloads).toMatchObject([{ object_kind: 'push', project_id: project }]);
  expect(await hooks.list(project)).toEqual([
    expect.objectContaining({ name: 'Ekiden', pushEvents: true, tagPushEvents: true }),
  ]);
});

it('is left as it is the second time, and mended where somebody changed it', async () => {
  const { hooks, registration } = open();
  const { hook } = await registration.enable(project);
  expect(await registration.enable(project)).toMatchObject({ hook, change: 'unchanged' });
  const worse = {
    url: hook.url,
    name: 'x',
    pushEvents: true,
    tagPushEvents: false,
    token: 'wrong',
  };
  await hooks.update(project, hook.id, worse);
  expect(await registration.enable(project)).toMatchObject({
    hook,
    change: 'repaired',
    test: { outcome: 'arrived' },
  });
  expect(await hooks.list(project)).toHaveLength(1);
});

it('is taken back without touching the hooks of others', async () => {
  const { hooks, registration } = open();
  const other = gitlab.addHook(project, { url: 'http://ci.example/hooks/gitlab' });
  const { hook } = await registration.enable(project);
  expect(await registration.disable(project)).toEqual({ removed: [hook] });
  expect(await registration.disable(project)).toEqual({ removed: [] });
  expect(await hooks.list(project)).toMatchObject([{ id: other }]);
});

it('tells why Ekiden refused the delivery', async () => {
  const { registration } = open(gitlab, { secret: async () => 'of another Ekiden' });
  const { test } = await registration.enable(project);
  expect(test).toEqual({
    outcome: 'refused',
    reason: 'X-Gitlab-Token is not the secret of this Ekiden.',
    hint: expect.stringContaining('EKIDEN_HOOK_SECRET'),
  });
});

it('tells that GitLab cannot reach Ekiden', async () => {
  const { registration } = open(gitlab, { url: 'http://127.0.0.1:1' });
  const { test } = await registration.enable(project);
  expect(test).toMatchObject({ outcome: 'refused', hint: expect.stringContaining('EKIDEN_URL') });
  expect(test.reason).toContain('ECONNREFUSED');
});

it.each([
  'URL is blocked: Requests to the local network are not allowed',
  'Url is blocked: Requests to localhost are not allowed',
])('tells who can allow private addresses: %s', async (message) => {
  gitlab.faults.add({ route: /test\/push_events/, status: 422, body: { message } });
  const { test } = await open().registration.enable(project);
  expect(test).toEqual({
    outcome: 'refused',
    reason: message,
    hint: expect.stringContaining('Outbound requests'),
  });
});

it('that GitLab will not have at all is an error that tells the same', async () => {
  const body = { error: 'Invalid url given' };
  gitlab.faults.add({ route: /POST .*\/hooks$/, status: 422, body });
  await expect(open().registration.enable(project)).rejects.toMatchObject({
    code: 'E_GITLAB_HOOK',
    message: expect.stringContaining('Invalid url given'),
    hint: expect.stringContaining('Outbound requests'),
  });
});

it('of an empty repository waits for the first push', async () => {
  const empty = await newProject(gitlab, true);
  const { test } = await open().registration.enable(empty);
  expect(test).toMatchObject({ outcome: 'waits', reason: expect.stringContaining('empty') });
  expect(payloads).toEqual([]);
});

it('waits where GitLab has sent its five tests of the minute, or can send none', async () => {
  const limit = { message: { error: 'This endpoint has been requested too many times.' } };
  gitlab.faults.add({ route: /test\/push_events/, status: 429, body: limit });
  const { registration } = open();
  expect((await registration.enable(project)).test).toMatchObject({
    outcome: 'waits',
    hint: expect.stringContaining('minute'),
  });
  const body = { error: '404 Not Found' };
  gitlab.faults.add({ route: /test\/push_events/, status: 404, body });
  expect((await registration.enable(project)).test).toMatchObject({ outcome: 'waits' });
});

it('arrives also where GitLab does not tell what was answered', async () => {
  const body = { error: '404 Not Found' };
  gitlab.faults.add({ route: /hooks\/\d+\/events/, status: 404, body, times: 20 });
  const { test } = await open().registration.enable(project);
  expect(test).toEqual({ outcome: 'arrived', reason: 'GitLab delivered it' });
  expect(payloads).toHaveLength(1);
});

it('is signed where that is wanted, by a GitLab that can', async () => {
  const signed = open(gitlab, { signingToken });
  await signed.registration.enable(project);
  expect(await signed.hooks.list(project)).toMatchObject([{ isSigned: true }]);
  const older = await olderGitLab({ version: '18.3.0' });
  const refused = open(older, { signingToken }).registration.enable(await newProject(older));
  await expect(refused).rejects.toMatchObject({
    code: 'E_GITLAB_HOOK',
    hint: expect.stringContaining('EKIDEN_SIGNING_TOKEN'),
  });
});

it('asks for the role Maintainer', async () => {
  const { token } = gitlab.createUser({ username: 'dev', projectId: project, accessLevel: 30 });
  const { registration } = open(gitlab, { token });
  for (const act of ['enable', 'disable'] as const) {
    await expect(registration[act](project)).rejects.toMatchObject({
      hint: expect.stringContaining('Maintainer'),
    });
  }
});

it('of a project that is not there is not found', async () => {
  await expect(open().registration.enable(99_999)).rejects.toMatchObject({ status: 404 });
});
