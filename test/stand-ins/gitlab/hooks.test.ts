/** Deliveries compared with bodies and headers that GitLab documents, and the routes of hooks. */
import { readFileSync } from 'node:fs';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliveryHeaders, eventHeader, type Hook, wantsBranch } from './hooks.ts';
import { type Rig, startRig } from './rig.ts';

const SIGNING_TOKEN = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

function fixture(name: string): Record<string, unknown> {
  const url = new URL(`../../fixtures/gitlab/webhooks/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** All paths of keys in a value; of an array those of its first entry. */
function keyPaths(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : keyPaths(value[0], `${prefix}[]`);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = `${prefix}.${key}`;
    return key === 'push_options' ? [path] : [path, ...keyPaths(inner, path)];
  });
}

const hook: Hook = {
  id: 1,
  projectId: 1,
  url: 'http://127.0.0.1/hooks/gitlab',
  name: null,
  description: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  events: {} as Hook['events'],
  token: 'se\ncret',
  signingToken: SIGNING_TOKEN,
  branchFilter: { strategy: 'wildcard', pattern: '' },
  customHeaders: [{ key: 'X-Custom', value: '1' }],
  sslVerification: true,
  failures: 0,
  disabledUntil: 0,
};

describe('deliveryHeaders', () => {
  const delivery = { hook, trigger: 'push_hooks', body: '{}', eventUuid: 'e', idempotencyKey: 'i' };
  const headers = (version: string) =>
    deliveryHeaders({ url: 'https://gitlab.example.com', version }, delivery, 1_000);
  const always = [
    'Content-Type',
    'User-Agent',
    'X-Custom',
    'X-Gitlab-Event',
    'X-Gitlab-Event-UUID',
    'X-Gitlab-Instance',
    'X-Gitlab-Token',
  ];
  const signed = ['webhook-id', 'webhook-signature', 'webhook-timestamp'];
  it.each([
    ['16.1.0', []],
    ['16.11.0', ['X-Gitlab-Webhook-UUID']],
    ['17.4.0', ['Idempotency-Key', 'X-Gitlab-Webhook-UUID']],
    ['18.3.0-pre', ['Idempotency-Key', 'X-Gitlab-Webhook-UUID']],
    ['19.0.0', ['Idempotency-Key', 'X-Gitlab-Webhook-UUID', ...signed]],
  ])('release %s sends %j beside the old ones', (version, later) => {
    expect(Object.keys(headers(version)).sort()).toEqual([...always, ...later].sort());
  });

  it('takes line breaks out of the token and names the release', () => {
    expect(headers('19.1.0')).toMatchObject({
      'X-Gitlab-Token': 'secret',
      'User-Agent': 'GitLab/19.1.0',
      'webhook-timestamp': '1',
    });
  });
});

it.each([
  ['push_hooks', 'Push Hook'],
  ['tag_push_hooks', 'Tag Push Hook'],
  ['deployment_hooks', 'Deployment Hook'],
])('%s is the event %s', (trigger, event) => {
  expect(eventHeader(trigger)).toBe(event);
});

it.each([
  { strategy: 'wildcard' as const, pattern: 'feature/*', branch: 'feature/a/b', wanted: true },
  { strategy: 'wildcard' as const, pattern: 'v1.0', branch: 'v1x0', wanted: false },
  { strategy: 'regex' as const, pattern: '^ma', branch: 'main', wanted: true },
  { strategy: 'all_branches' as const, pattern: 'none', branch: 'main', wanted: true },
])('a $strategy filter $pattern and $branch: $wanted', ({ branch, wanted, ...branchFilter }) => {
  expect(wantsBranch({ ...hook, branchFilter }, branch)).toBe(wanted);
});

describe('deliveries', () => {
  let rig: Rig;
  let projectId: number;

  async function start(options: Parameters<typeof startRig>[0] = {}): Promise<void> {
    rig = await startRig(options);
    ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/web' }));
  }
  beforeEach(async () => {
    await start();
  });
  afterEach(async () => {
    await rig.stop();
  });

  async function commit(message = 'one'): Promise<string> {
    const files = { a: message };
    const sha = await rig.gitlab.commit(projectId, { branch: 'main', files, message });
    await rig.gitlab.idle();
    return sha;
  }

  it('has every key that GitLab documents for a push', async () => {
    rig.gitlab.addHook(projectId, { url: rig.hookUrl });
    await commit();
    const sent = keyPaths(rig.received[0]?.body).sort();
    expect(sent).toEqual(expect.arrayContaining(keyPaths(fixture('push'))));
    expect(sent).toEqual([...keyPaths(fixture('push_v17_1_real_delivery'))].sort());
    const logged = fixture('push_v17_1_real_delivery.headers')['headers'] as object;
    const headers = Object.keys(logged).map((name) => name.toLowerCase());
    const expected = headers.filter((name) => name !== 'x-gitlab-token');
    expect(Object.keys(rig.received[0]?.headers ?? {})).toEqual(expect.arrayContaining(expected));
  });

  it('has every key that GitLab documents for a tag push and a deployment', async () => {
    const body = { url: rig.hookUrl, tag_push_events: true, deployment_events: true };
    await rig.api(`/projects/${projectId}/hooks`, { method: 'POST', body });
    const sha = await rig.commitAll({ a: '1' }, 'one');
    await rig.git('tag', '-a', 'v1', '-m', 'x');
    await rig.git(
      'push',
      '--quiet',
      `${rig.gitlab.url.replace('//', `//x:${rig.gitlab.token}@`)}/shop/web.git`,
      'main',
      'v1',
    );
    const deployment = {
      environment: 'production',
      sha,
      ref: 'main',
      tag: false,
      status: 'running',
    };
    await rig.api(`/projects/${projectId}/deployments`, { method: 'POST', body: deployment });
    await rig.gitlab.idle();
    const kinds = new Map(rig.received.map((one) => [String(one.body['object_kind']), one.body]));
    for (const kind of ['tag_push', 'deployment']) {
      const documented = keyPaths(fixture(kind));
      expect(keyPaths(kinds.get(kind))).toEqual(expect.arrayContaining(documented));
    }
    expect(kinds.get('deployment')).toMatchObject({
      deployable_id: null,
      short_sha: sha.slice(0, 8),
    });
  });

  it('signs the raw body so that standardwebhooks verifies it', async () => {
    rig.gitlab.addHook(projectId, {
      url: rig.hookUrl,
      token: 's3cret',
      signingToken: SIGNING_TOKEN,
    });
    await commit();
    const [{ raw = '', headers = {} } = {}] = rig.received;
    expect(headers['x-gitlab-token']).toBe('s3cret');
    expect(headers['webhook-id']).toBe(headers['idempotency-key']);
    const signed = headers as Record<string, string>;
    expect(new Webhook(SIGNING_TOKEN).verify(raw, signed)).toEqual(JSON.parse(raw));
    const other = new Webhook(Buffer.alloc(32, 8).toString('base64'));
    expect(() => other.verify(raw, signed)).toThrow(WebhookVerificationError);
  });

  it('ignores a signing token before release 19.0, and says so', async () => {
    await rig.stop();
    await start({ version: '18.3.0' });
    const body = { url: rig.hookUrl, token: 'x', signing_token: SIGNING_TOKEN };
    const { json } = await rig.api(`/projects/${projectId}/hooks`, { method: 'POST', body });
    expect(json).not.toHaveProperty('signing_token_present');
    await commit();
    expect(rig.received[0]?.headers).not.toHaveProperty('webhook-signature');
  });

  it('sends once, whatever the answer, and logs it', async () => {
    rig.gitlab.addHook(projectId, { url: rig.hookUrl });
    for (const [status, headers] of [
      [500, {}],
      [302, { Location: rig.hookUrl }],
      [201, {}],
    ] as const) {
      Object.assign(rig.answer, { status, headers });
      await commit(`answer ${status}`);
    }
    expect(rig.received).toHaveLength(3);
    const logs = rig.gitlab.deliveries(projectId);
    expect(logs.map(({ status }) => status)).toEqual(['500', '302', '201']);
    expect(logs[0]).toMatchObject({ responseBody: '{"decision":"queued"}', error: null });
    const { json } = await rig.api(`/projects/${projectId}/hooks/1/events?status=server_failure`);
    expect(json).toMatchObject([{ response_status: '500', trigger: 'push_hooks' }]);
  });

  it('gives up after its time-out, and when nobody listens', async () => {
    await rig.stop();
    await start({ hookTimeoutMs: 1_000 });
    rig.answer.never = true;
    rig.gitlab.addHook(projectId, { url: rig.hookUrl });
    rig.gitlab.addHook(projectId, { url: 'http://127.0.0.1:1/' });
    await commit();
    const logs = rig.gitlab.deliveries(projectId);
    expect(logs.map(({ status }) => status)).toEqual(['internal error', 'internal error']);
    const errors = logs.map(({ error }) => error);
    expect(errors).toEqual(
      expect.arrayContaining(['execution expired', expect.stringContaining('ECONNREFUSED')]),
    );
  });

  it('resends with the same key and another request id', async () => {
    rig.gitlab.addHook(projectId, { url: rig.hookUrl, token: 'x' });
    await commit();
    const [{ id }] = (await rig.api(`/projects/${projectId}/hooks/1/events`)).json;
    const path = `/projects/${projectId}/hooks/1/events/${id}/resend`;
    expect(await rig.api(path, { method: 'POST' })).toMatchObject({ status: 201 });
    const [first, again] = rig.received;
    expect(again?.raw).toBe(first?.raw);
    expect(again?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
    expect(again?.headers['x-gitlab-webhook-uuid']).not.toBe(
      first?.headers['x-gitlab-webhook-uuid'],
    );
  });

  it('tests a hook with the newest commits, newest first, five times a minute', async () => {
    await rig.stop();
    await start({ now: () => 1_800_000_000_000 });
    rig.gitlab.addHook(projectId, { url: rig.hookUrl });
    const path = `/projects/${projectId}/hooks/1/test/push_events`;
    const empty = await rig.api(path, { method: 'POST' });
    expect(empty).toMatchObject({ status: 422 });
    const first = await commit('one');
    const second = await commit('two');
    const codes: number[] = [];
    for (let n = 0; n < 5; n += 1) codes.push((await rig.api(path, { method: 'POST' })).status);
    expect(codes).toEqual([201, 201, 201, 201, 429]);
    expect(rig.received.at(-1)?.body).toMatchObject({
      before: first,
      after: second,
      commits: [{ id: second }, { id: first }],
    });
  });

  it('never tells a secret, and forgets it when the address changes', async () => {
    const path = `/projects/${projectId}/hooks`;
    const body = { url: rig.hookUrl, token: 'secret', signing_token: SIGNING_TOKEN };
    const made = await rig.api(path, { method: 'POST', body });
    expect(made).toMatchObject({
      status: 201,
      json: { token_present: true, signing_token_present: true, push_events: true },
    });
    expect(JSON.stringify(made.json)).not.toContain('secret');
    const moved = await rig.api(`${path}/${made.json.id}`, {
      method: 'PUT',
      body: { url: `${rig.hookUrl}/other`, push_events: false },
    });
    expect(moved.json).toMatchObject({ token_present: false, push_events: false });
    expect(await rig.api(path, { method: 'POST', body: { url: 'ftp://x' } })).toMatchObject({
      status: 422,
      json: { error: 'Invalid url given' },
    });
    expect(await rig.api(path, { method: 'POST', body: {} })).toMatchObject({
      status: 400,
      json: { error: 'url is missing' },
    });
    expect((await rig.api(`${path}/${made.json.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await rig.api(`${path}/${made.json.id}`)).status).toBe(404);
  });
});
