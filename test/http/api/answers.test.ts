/** What the API answers, held to its document. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { patience } from '../../../src/http/patience.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../../support/samples.ts';
import { type Api, documentOf, openApi } from './rig.ts';
import { instanceId, serviceDetail } from './samples.ts';

const redis = useRedis();

const at = '/environments/production/services/web';

function withService(api: Api) {
  const found = serviceDetail({
    project: api.project,
    environment: 'production',
    service: 'web',
  });
  api.ekiden.services = {
    ofProject: async () => [found],
    find: async ({ service }) => (service === 'web' ? found : undefined),
  };
  return found;
}

test('a project is shown with its environments, builds and deployments', async () => {
  const api = await openApi({ redis });
  withService(api);
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  await api.ekiden.deployments.create(sampleDeployment({ project: api.project }));
  const { body } = await api.call('GET', '/projects/shop%2Ffront', { token: api.tokens.reporter });
  expect(body).toMatchObject({
    id: api.project,
    path: 'shop/front',
    environments: [{ name: 'production', services: [{ service: 'web', health: 'healthy' }] }],
    builds: [{ id: 'b1', createdAt: '1970-01-01T00:00:01.000Z' }],
    deployments: [{ id: 'd1', service: 'web', kind: 'push' }],
    links: { gitlab: expect.stringContaining('/shop/front') },
  });
});

test('lists come in pages', async () => {
  const api = await openApi({ redis });
  const { call, tokens, project } = api;
  for (const index of [1, 2, 3, 4, 5]) {
    const change = { project, id: `b${index}`, createdAt: index };
    await api.ekiden.builds.create(sampleBuild(change));
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const query = `?limit=2${cursor ? `&cursor=${cursor}` : ''}`;
    const { body } = await call('GET', `/projects/${project}/builds${query}`, {
      token: tokens.reporter,
    });
    const page = body as { items: { id: string }[]; next?: string };
    seen.push(page.items.map(({ id }) => id).join(' '));
    cursor = page.next ?? '';
  } while (cursor !== '');
  expect(seen).toEqual(['b5 b4', 'b3 b2', 'b1']);
});

test('a build of another project is not there', async () => {
  const api = await openApi({ redis });
  await api.ekiden.builds.create(sampleBuild({ project: api.project + 1 }));
  for (const path of ['/builds/b1', '/builds/b1/log']) {
    const { status } = await api.call('GET', `/projects/${api.project}${path}`, {
      token: api.tokens.owner,
    });
    expect([path, status]).toEqual([path, 404]);
  }
});

test('an instance of another app is not there', async () => {
  const api = await openApi({ redis });
  withService(api);
  const other = instanceId.replace('shop_front', 'shop_secret');
  const { status } = await api.call(
    'GET',
    `/projects/${api.project}${at}/instances/${other}/files/stdout`,
    { token: api.tokens.owner },
  );
  expect(status).toBe(404);
});

test('a service that is not there is told with those that are', async () => {
  const api = await openApi({ redis });
  withService(api);
  const path = `/projects/${api.project}/environments/production/services/worker`;
  const { body } = await api.call('GET', path, { token: api.tokens.reporter });
  expect(body).toMatchObject({ code: 'E_SERVICE', detail: 'There are web in production.' });
});

test.each([
  { what: 'no JSON', raw: '{', status: 400, code: 'E_INPUT' },
  { what: 'an unknown key', raw: '{"branch":"main"}', status: 422, code: 'E_INPUT' },
  { what: 'a list', raw: '[]', status: 422, code: 'E_INPUT' },
  { what: 'too much', raw: `{"ref":"${'x'.repeat(70_000)}"}`, status: 413, code: 'E_INPUT' },
])('a body that is $what is refused with a reason', async ({ raw, status, code }) => {
  const { url, tokens, project } = await openApi({ redis });
  const response = await fetch(`${url}/api/v1/projects/${project}/builds`, {
    method: 'POST',
    headers: { 'PRIVATE-TOKEN': tokens.developer },
    body: raw,
  });
  const answer = (await response.json()) as { code: string };
  expect([response.status, answer.code]).toEqual([status, code]);
});

test.each(['limit=0', 'limit=101', 'limit=x', `cursor=${'x'.repeat(300)}`])(
  'a query with %s is refused',
  async (query) => {
    const { call, tokens, project } = await openApi({ redis });
    const { status, body } = await call('GET', `/projects/${project}/builds?${query}`, {
      token: tokens.reporter,
    });
    expect([status, (body as { code: string }).code]).toEqual([422, 'E_INPUT']);
  },
);

test('what is summed up is what was measured', async () => {
  const api = await openApi({ redis });
  withService(api);
  const rest = { memory: [1, 1], diskRead: [0, 0], diskWrite: [0, 0] };
  const series = (start: number, cpu: (number | null)[]) => ({
    start,
    step: 10_000,
    values: { ...rest, cpu, networkReceive: [null, null], networkSend: [null, null] },
  });
  api.ekiden.metrics = {
    ofApp: async () => [
      { instance: 'a', limits: { cpu: 1 }, series: series(1_767_225_600_000, [1, 2]) },
      { instance: 'b', limits: {}, series: series(1_767_225_610_000, [3, null]) },
    ],
  };
  const { body } = await api.call('GET', `/projects/${api.project}${at}/metrics`, {
    token: api.tokens.reporter,
  });
  expect(body).toMatchObject({
    sum: {
      start: '2026-01-01T00:00:00.000Z',
      values: { cpu: [1, 5, null], memory: [1, 2, 1], networkSend: [null, null, null] },
    },
    instances: [{ instance: 'a' }, { instance: 'b' }],
  });
});

test('the figures of the limits come with each answer, and a limit is kept', async () => {
  const { call, url, tokens, project } = await openApi({ redis });
  const path = `/projects/${project}/builds`;
  const { headers } = await call('GET', path, { token: tokens.reporter });
  expect(headers.get('ratelimit-limit')).toBe('1200');
  expect(headers.get('ratelimit-remaining')).toBe('1199');
  let last = 0;
  for (let asked = 0; asked < 70 && last !== 429; asked += 1) {
    const response = await fetch(`${url}/api/v1/self`, { headers: { 'PRIVATE-TOKEN': 'wrong' } });
    last = response.status;
    if (last === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(last).toBe(429);
});

test('a wrong method is told which there are', async () => {
  const { url } = await openApi({ redis });
  const ask = (method: string, path: string) => fetch(`${url}/api/v1${path}`, { method });
  const wrong = await ask('PATCH', '/projects/1');
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE, OPTIONS']);
  expect(await wrong.json()).toMatchObject({ code: 'E_METHOD' });
  const options = await ask('OPTIONS', '/projects/1/builds');
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS']);
});

test('what is sent to an endpoint that takes no body does no harm', async () => {
  const { url, tokens } = await openApi({ redis });
  const headers = { 'PRIVATE-TOKEN': tokens.guest };
  const answer = await fetch(`${url}/api/v1/tickets`, { method: 'POST', headers, body: 'hello' });
  expect(answer.status).toBe(201);
});

test('nothing is deployed to an environment that has no name as environments have', async () => {
  const { call, tokens, project } = await openApi({ redis });
  const called = await call('POST', `/projects/${project}/deployments`, {
    token: tokens.owner,
    body: { environment: 'review <b>' },
  });
  expect(called).toMatchObject({ status: 422, body: { code: 'E_INPUT' } });
});

test('no answer that is not to be kept can be asked for by its mark', async () => {
  const { call, tokens } = await openApi({ redis });
  const headers = { 'If-None-Match': '*' };
  const { status, headers: answered } = await call('GET', '/self', {
    token: tokens.guest,
    headers,
  });
  expect([status, answered.get('etag')]).toEqual([200, null]);
});

test('no page of projects is longer than was asked for', async () => {
  const api = await openApi({ redis });
  const { call, ekiden, gitlab, project } = api;
  const { id, token } = gitlab.createUser({
    username: 'looker',
    projectId: project,
    accessLevel: 20,
  });
  await ekiden.knownProjects.note({ id: project, path: 'shop/front' });
  for (const at of [2, 3, 4, 5, 6, 7]) {
    const made = await gitlab.createProject({ path: `shop/p${at}` });
    await ekiden.knownProjects.note({ id: made.id, path: `shop/p${at}` });
    if (at !== 7) gitlab.addMember({ projectId: made.id, userId: id, accessLevel: 20 });
  }
  const seen: number[] = [];
  let cursor = '';
  do {
    const { body } = await call('GET', `/projects?limit=3${cursor && `&cursor=${cursor}`}`, {
      token,
    });
    const page = body as { items: { id: number }[]; next?: string };
    expect(page.items.length).toBeLessThanOrEqual(3);
    seen.push(...page.items.map((each) => each.id));
    cursor = page.next ?? '';
  } while (cursor !== '');
  expect(new Set(seen).size).toBe(6);
  expect(seen).toHaveLength(6);
});

test('many may ask at once from one address, as long as their tokens are right', async () => {
  const { url, tokens } = await openApi({ redis });
  const headers = { 'PRIVATE-TOKEN': tokens.reporter };
  const asked = Array.from({ length: 100 }, () => fetch(`${url}/api/v1/self`, { headers }));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test('a Redis that hangs keeps nobody who needs nothing of it', async () => {
  const { call, tokens } = await openApi({ redis });
  await call('GET', '/self', { token: tokens.reporter });
  onTestFinished(() => redis.resume());
  await redis.pause();
  expect(await call('GET', '/self', { token: tokens.reporter })).toMatchObject({ status: 200 });
});

test('a part that hangs keeps nobody for ever', async () => {
  const { call, ekiden, tokens, project } = await openApi({ redis });
  let isAsked = false;
  const ofProject = () => {
    isAsked = true;
    return new Promise<never>(() => {});
  };
  ekiden.services = { ...ekiden.services, ofProject };
  const timers = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timers.mockRestore());
  const answered = call('GET', `/projects/${project}`, { token: tokens.reporter });
  await expect.poll(() => isAsked).toBe(true);
  // What would happen once its time is over.
  for (const [end, after] of timers.mock.calls) if (after === patience.reading) end();
  expect(await answered).toMatchObject({ status: 503, body: { code: 'E_SLOW' } });
});

test('while Redis is away nothing hangs', async () => {
  const { call, url, tokens } = await openApi({ redis });
  onTestFinished(() => redis.start());
  await redis.stop();
  expect((await call('GET', '/self', { token: tokens.reporter })).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    ready: false,
    parts: { redis: { state: 'down' }, gitlab: { state: 'up' } },
  });
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
});

test('the page and the document describe the same operations', async () => {
  const { url } = await openApi({ redis });
  const document = await documentOf(url);
  const page = await (await fetch(`${url}/api/v1/docs`)).text();
  expect(document.openapi).toBe('3.1.0');
  for (const methods of Object.values(document.paths)) {
    for (const { operationId } of Object.values(methods)) expect(page).toContain(operationId);
  }
});

test('below a path of its own Ekiden answers with and without it', async () => {
  const { url, tokens } = await openApi({ redis, publicUrl: 'https://ops.example.com/ekiden' });
  for (const path of ['/ekiden/api/v1/self', '/api/v1/self', '/ekiden/healthz']) {
    const response = await fetch(`${url}${path}`, { headers: { 'PRIVATE-TOKEN': tokens.guest } });
    expect([path, response.status]).toEqual([path, 200]);
  }
  expect((await fetch(`${url}/ekidenx/healthz`)).status).toBe(404);
  const document = await documentOf(`${url}/ekiden`);
  expect(document.servers).toEqual([{ url: 'https://ops.example.com/ekiden/api/v1' }]);
});
