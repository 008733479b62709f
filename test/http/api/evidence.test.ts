/** What the API tells of failed instances, and of why a deployment waits. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleDeployment, sampleEvidence } from '../../support/samples.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

async function setUp() {
  const api = await openApi({ redis });
  const { project } = api;
  const named = { project, environment: 'production', service: 'web' };
  const app = await api.ekiden.appIds.claim({ ...named, wanted: '/shop/front/production/web' });
  const path = `/projects/${project}/environments/production/services/web/evidence`;
  const get = (more = '', token = api.tokens.reporter) => api.call('GET', path + more, { token });
  return { ...api, named: { ...named, app }, get, path };
}

const usage = {
  limits: { memory: 1_000 },
  series: {
    ...{ start: 1_000, step: 10_000 },
    values: {
      ...{ cpu: [0.5], memory: [900], diskRead: [0], diskWrite: [0] },
      ...{ networkReceive: [null], networkSend: [null] },
    },
  },
};

test('evidence is listed by release, and told as a whole, also of a service that is gone', async () => {
  const { ekiden, named, get, url, path } = await setUp();
  await ekiden.evidence.save(sampleEvidence({ ...named, instance: 'a.1', at: 1, release: 2 }));
  await ekiden.evidence.save(
    sampleEvidence({ ...named, instance: 'a.2', at: 2, usage, otherLogs: 3 }),
  );
  const ids = (body: unknown) =>
    (body as { items: { instance: string }[] }).items.map(({ instance }) => instance);
  expect(ids((await get()).body)).toEqual(['a.2', 'a.1']);
  expect(ids((await get('?release=2')).body)).toEqual(['a.1']);
  expect(ids((await get('?release=9')).body)).toEqual([]);
  const one = await get('/a.2');
  expect(one.body).toMatchObject({
    ...{ instance: 'a.2', release: 3, reason: 'exited with status 3', listening: [3000] },
    exit: { code: 3, outOfMemory: false },
    logs: [{ path: 'stderr', lines: ['no DATABASE_URL'] }],
    usage: { limits: { memory: 1_000 } },
    otherLogs: 3,
    url: expect.stringContaining(`/api/v1${path}/a.2`),
  });
  expect(url).toBeDefined();
  expect((await get('/none')).status).toBe(404);
});

test('others see none of it', async () => {
  const { call, get, path, tokens } = await setUp();
  expect((await get('', tokens.guest)).status).toBe(404);
  expect((await get('', tokens.outsider)).status).toBe(404);
  const other = path.replace('/web/', '/none/');
  expect(await call('GET', other, { token: tokens.reporter })).toMatchObject({
    status: 404,
    body: {
      ...{ code: 'E_SERVICE', title: 'There is no service none in production.' },
      detail: 'There are web in production.',
    },
  });
});

test.each([
  ['running', { waiting: 'no node has 4 processors free' }, 'no node has 4 processors free'],
  ['running', { waiting: '' }, undefined],
  ['failed', { reason: 'exited with status 3', waiting: 'x' }, 'exited with status 3'],
  ['succeeded', { waiting: 'x' }, undefined],
] as const)('a deployment that is %s tells why: %j', async (state, change, reason) => {
  const { call, ekiden, project, tokens } = await setUp();
  const more = { id: 'd1', project, state, release: 3, ...change };
  await ekiden.deployments.create(sampleDeployment(more));
  const found = await call('GET', `/projects/${project}/deployments/d1`, {
    token: tokens.reporter,
  });
  expect((found.body as { reason?: string }).reason).toBe(reason);
  expect(found.body).toMatchObject({ evidence: expect.stringMatching(/\/evidence\?release=3$/) });
});
