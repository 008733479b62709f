/** Who may do what by the API: each endpoint against each role, and what those get who may not. */
import { describe, expect, test } from 'vitest';
import { endpoints } from '../../../src/http/api/index.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleDeployment } from '../../support/samples.ts';
import { type Api, openApi } from './rig.ts';
import { serviceDetail } from './samples.ts';

const redis = useRedis();

type Role = 'guest' | 'reporter' | 'developer' | 'maintainer' | 'owner' | 'outsider';
const roles: Role[] = ['outsider', 'guest', 'reporter', 'developer', 'maintainer', 'owner'];

const settings = '/environments/production';
const production = '/environments/production/services/web';
const review = '/environments/review%2Fx/services/web';

const job = { command: 'true' };

/** The first of the roles above that is let in; the call itself may then fail for other reasons. */
const table: { method: string; path: string; body?: object; least: Role }[] = [
  { method: 'GET', path: '', least: 'reporter' },
  { method: 'DELETE', path: '', least: 'maintainer' },
  { method: 'DELETE', path: '/environments/review%2Fx', least: 'maintainer' },
  { method: 'GET', path: '/builds', least: 'reporter' },
  { method: 'POST', path: '/builds', body: {}, least: 'developer' },
  { method: 'GET', path: '/builds/none', least: 'reporter' },
  { method: 'GET', path: '/builds/none/log', least: 'reporter' },
  { method: 'POST', path: '/builds/none/cancel', least: 'developer' },
  { method: 'POST', path: '/builds/none/retry', body: {}, least: 'developer' },
  { method: 'POST', path: '/dockerfile/expand', body: {}, least: 'reporter' },
  { method: 'GET', path: '/deployments', least: 'reporter' },
  { method: 'GET', path: '/deployments/none', least: 'reporter' },
  { method: 'POST', path: '/deployments/none/decision', body: { go: 'on' }, least: 'reporter' },
  { method: 'POST', path: '/deployments', body: {}, least: 'maintainer' },
  { method: 'POST', path: '/deployments', body: { environment: 'review/x' }, least: 'developer' },
  { method: 'POST', path: '/environments/production/rollback', body: {}, least: 'maintainer' },
  { method: 'POST', path: '/environments/review%2Fx/rollback', body: {}, least: 'maintainer' },
  { method: 'GET', path: `${settings}/settings`, least: 'reporter' },
  { method: 'PUT', path: `${settings}/freeze`, body: { reason: 'x' }, least: 'maintainer' },
  { method: 'DELETE', path: `${settings}/freeze`, least: 'maintainer' },
  { method: 'PUT', path: `${settings}/auto-deploy`, body: { enabled: true }, least: 'maintainer' },
  { method: 'GET', path: '/environments/production/releases', least: 'reporter' },
  { method: 'GET', path: '/environments/production/releases/3', least: 'reporter' },
  { method: 'GET', path: '/environments/production/diff', least: 'reporter' },
  { method: 'POST', path: '/environments/production/plan', body: {}, least: 'reporter' },
  { method: 'POST', path: '/releases/rebuild', least: 'maintainer' },
  { method: 'GET', path: production, least: 'reporter' },
  { method: 'GET', path: `${production}/health`, least: 'reporter' },
  { method: 'GET', path: `${production}/instances`, least: 'reporter' },
  { method: 'GET', path: `${production}/metrics`, least: 'reporter' },
  { method: 'PUT', path: `${production}/scale`, body: { instances: 2 }, least: 'maintainer' },
  { method: 'PUT', path: `${review}/scale`, body: { instances: 2 }, least: 'maintainer' },
  { method: 'DELETE', path: `${production}/instances/i1`, least: 'developer' },
  { method: 'DELETE', path: `${production}/instances/i1?replace=false`, least: 'maintainer' },
  { method: 'POST', path: `${production}/suspend`, least: 'maintainer' },
  { method: 'POST', path: `${production}/resume`, least: 'maintainer' },
  { method: 'POST', path: `${production}/restart`, least: 'developer' },
  { method: 'GET', path: `${production}/evidence`, least: 'reporter' },
  { method: 'GET', path: `${production}/evidence/none`, least: 'reporter' },
  { method: 'GET', path: `${production}/instances/none/files`, least: 'reporter' },
  { method: 'GET', path: `${production}/instances/none/files/stdout`, least: 'reporter' },
  { method: 'GET', path: '/environments/production/jobs', least: 'reporter' },
  { method: 'POST', path: '/environments/production/jobs', body: job, least: 'maintainer' },
  { method: 'POST', path: '/environments/review%2Fx/jobs', body: job, least: 'developer' },
  { method: 'GET', path: '/environments/production/jobs/none', least: 'reporter' },
  { method: 'GET', path: '/environments/production/jobs/none/log', least: 'reporter' },
  { method: 'DELETE', path: '/environments/production/jobs/none', least: 'maintainer' },
  { method: 'GET', path: '/discovery', least: 'reporter' },
  { method: 'GET', path: '/discovery/nginx', least: 'reporter' },
  { method: 'PUT', path: '/hook', least: 'maintainer' },
  { method: 'DELETE', path: '/hook', least: 'maintainer' },
];

/** Whatever is done behind the door is no matter here. */
function standInFor({ ekiden, project }: Api): void {
  const done = serviceDetail({ project, environment: 'production', service: 'web' });
  ekiden.services = { ofProject: async () => [], find: async () => done };
  ekiden.operations = {
    scale: async () => done,
    kill: async () => done,
    suspend: async () => done,
    resume: async () => done,
    restart: async () => done,
    deploy: async () => [],
    rollback: async () => [],
    decide: async () => sampleDeployment(),
    remove: async () => [],
  };
  ekiden.releaseHistory = {
    list: async () => ({ items: [] }),
    find: async () => undefined,
    diff: async () => ({ from: 1, to: 2, sha: { from: 'a', to: 'a' }, services: [] }),
    plan: async () => ({ services: [] }),
    rebuild: async () => 0,
  };
  ekiden.buildRequests = { ...ekiden.buildRequests, request: async () => ({ id: 'b1' }) };
  ekiden.metrics = { ofApp: async () => [] };
  ekiden.discovery = { ofProject: async () => [], nginxOf: async () => '' };
  ekiden.hookRegistration = {
    enable: async () => ({
      hook: { id: 1, url: 'http://ekiden.test/hooks/gitlab' },
      change: 'unchanged',
      test: { outcome: 'waits', reason: 'not now' },
    }),
    disable: async () => ({ removed: [] }),
  };
}

describe('each endpoint lets in the roles of the table', () => {
  test('which has all that are about a project', () => {
    const inProject = endpoints.filter(({ path }) => path.startsWith('/projects/{project}'));
    const missing = inProject.filter(({ method, path }) => {
      const below = path.replace('/projects/{project}', '').replace(/\{\w+\*\}/, '.+');
      const pattern = new RegExp(`^${below.replace(/\{\w+\}/g, '[^/]+')}$`);
      return !table.some((row) => row.method === method.toUpperCase() && pattern.test(row.path));
    });
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  test('and tells the others no more than they may know', async () => {
    const api = await openApi({ redis });
    standInFor(api);
    for (const { method, path, body, least } of table) {
      for (const role of roles) {
        const called = await api.call(method, `/projects/${api.project}${path}`, {
          token: api.tokens[role],
          ...(body ? { body } : {}),
        });
        const isIn = roles.indexOf(role) >= roles.indexOf(least);
        const code = (called.body as { code?: string } | undefined)?.code;
        const refusal =
          roles.indexOf(role) < roles.indexOf('reporter') ? 'E_PROJECT' : 'E_ROLE_TOO_LOW';
        const seen = `${role} ${method} ${path}: ${called.status} ${code}`;
        if (isIn) expect(['E_PROJECT', 'E_ROLE_TOO_LOW', 'E_SIGN_IN'], seen).not.toContain(code);
        else expect(code, seen).toBe(refusal);
      }
    }
  });
});

test('what one may not see looks like what is not there', async () => {
  const { call, tokens, project } = await openApi({ redis });
  const hidden = await call('GET', `/projects/${project}`, { token: tokens.outsider });
  const absent = await call('GET', '/projects/4711', { token: tokens.outsider });
  const byPath = await call('GET', '/projects/shop%2Ffront', { token: tokens.guest });
  expect([hidden.status, absent.status, byPath.status]).toEqual([404, 404, 404]);
  expect([hidden.text, byPath.text]).toEqual([absent.text, absent.text]);
});

test('a project is found by its id, its path, and the path that it had before', async () => {
  const { call, tokens, gitlab, project } = await openApi({ redis });
  const token = tokens.reporter;
  expect(await call('GET', `/projects/${project}/builds`, { token })).toMatchObject({
    status: 200,
  });
  expect(await call('GET', '/projects/shop%2Ffront/builds', { token })).toMatchObject({
    status: 200,
  });
  gitlab.renameProject(project, 'shop/face');
  for (const path of ['shop%2Fface', 'shop%2Ffront', project]) {
    const { status } = await call('GET', `/projects/${path}/builds`, { token });
    expect([path, status]).toEqual([path, 200]);
  }
});

test('tokens come as Bearer, PRIVATE-TOKEN or JOB-TOKEN; others are told what to send', async () => {
  const { call, tokens, gitlab, project } = await openApi({ redis });
  const at = `/projects/${project}/builds`;
  const bearer = { Authorization: `Bearer ${tokens.reporter}` };
  expect((await call('GET', at, { headers: bearer })).status).toBe(200);
  const user = gitlab.createUser({ username: 'runner', projectId: project, accessLevel: 30 });
  const job = await gitlab.createJob({ projectId: project, userId: user.id, ref: 'main' });
  expect((await call('GET', at, { headers: { 'JOB-TOKEN': job.token } })).status).toBe(200);
  const empty = { ...bearer, 'PRIVATE-TOKEN': '' };
  expect((await call('GET', at, { headers: empty })).status).toBe(200);
  for (const headers of [{}, { Authorization: 'Basic abc' }]) {
    const { status, body, headers: answered } = await call('GET', at, { headers });
    expect([status, answered.get('www-authenticate')]).toEqual([401, 'Bearer realm="Ekiden"']);
    expect(body).toMatchObject({
      code: 'E_SIGN_IN',
      detail: expect.stringContaining('PRIVATE-TOKEN'),
    });
  }
  expect((await call('GET', at, { token: 'glpat-wrong' })).status).toBe(401);
});

test('a token that may only read changes nothing', async () => {
  const { call, gitlab, project } = await openApi({ redis });
  const { id } = gitlab.createUser({ username: 'watcher', projectId: project, accessLevel: 40 });
  const token = gitlab.createToken({ userId: id, scopes: ['read_api'] });
  expect((await call('GET', `/projects/${project}/builds`, { token })).status).toBe(200);
  const refused = await call('POST', `/projects/${project}/builds`, { token, body: {} });
  expect(refused).toMatchObject({ status: 403, body: { code: 'E_READ_ONLY' } });
  expect((await call('GET', '/self', { token })).body).toMatchObject({
    username: 'watcher',
    mayChange: false,
  });
});

test('no token and no secret is in the log', async () => {
  const { call, tokens, logged, project } = await openApi({ redis });
  await call('GET', `/projects/${project}/builds`, { token: tokens.owner });
  await call('GET', `/projects/${project}/builds`, { token: 'glpat-unknown-to-gitlab' });
  expect(logged()).not.toMatch(/glpat-/);
});
