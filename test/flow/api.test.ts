/** The API against everything real: what a maintainer does with an app that was pushed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { type Called, createCaller } from '../http/api/rig.ts';
import { greetingFiles } from './greeting-app.ts';
import { expectJourney } from './journey-lines.ts';
import { openStage } from './stage.ts';

const within = 120_000;
const at = '/environments/production/services/web';
const host = 'shop-front.localhost';

let stage: Stage;
let project: Awaited<ReturnType<Stage['project']>>;
let call: Awaited<ReturnType<typeof createCaller>>;
let token: string;
const shas: string[] = [];

interface Service {
  health: string;
  isDeploying: boolean;
  variables: string[];
  release: { number: number; sha: string };
  instances: { wanted: number; healthy: number };
}

interface Named {
  id: string;
}

async function push(version: string): Promise<string> {
  const sha = await project.copy.commit(greetingFiles(version), version);
  await project.copy.push('HEAD');
  await live(sha);
  return sha;
}

function live(sha: string, states = ['success']) {
  const name = 'ekiden/deploy/production/web';
  return awaitStatus(stage.gitlab, { project: project.id, sha, name, states, within });
}

const ours = (method: string, path: string, body?: unknown): Promise<Called> =>
  call(method, `/projects/${project.id}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
  });

const service = async () => (await ours('GET', at)).body as Service;

function settled(isSo: (found: Service) => boolean, what: string): Promise<Service> {
  return poll(
    async () => {
      const found = await service();
      return found.health === 'healthy' && !found.isDeploying && isSo(found) ? found : undefined;
    },
    { within, what },
  );
}

/** Waits for an answer, since the last instance of before serves on for a moment. */
function answers(wanted: { version?: string; greeting?: string }) {
  const isSo = async () => {
    const { body } = await ask({ url: stage.state.nginxUrl, host });
    const found = JSON.parse(body) as Record<string, unknown>;
    return Object.entries(wanted).every(([key, value]) => found[key] === value) || undefined;
  };
  return poll(isSo, { within, what: `an answer of ${JSON.stringify(wanted)}` });
}

/** Waits for the end of what was requested, and answers its state. */
function ended(requested: Called): Promise<string> {
  const { deployments } = requested.body as { deployments: Named[] };
  return poll(
    async () => {
      const { body } = await ours('GET', `/deployments/${deployments[0]?.id}`);
      const { state } = body as { state: string };
      return state === 'queued' || state === 'running' ? undefined : state;
    },
    { within, what: 'the end of the deployment' },
  );
}

/** Has GitLab tell of the head once more, and waits for the end of what came of it. */
async function tryHook(): Promise<void> {
  const { items: before } = (await ours('GET', '/deployments')).body as { items: Named[] };
  expect((await ours('PUT', '/hook')).body).toMatchObject({ test: { outcome: 'arrived' } });
  const isSettled = async () => {
    const { body } = await ours('GET', '/deployments');
    const [newest] = (body as { items: (Named & { state: string })[] }).items;
    if (newest?.id === before[0]?.id) return undefined;
    return newest?.state === 'superseded' || undefined;
  };
  await poll(isSettled, { within, what: 'the end of a repeated delivery' });
}

beforeAll(async () => {
  stage = await openStage('api', { deadline: 60 });
  project = await stage.project('shop/front');
  const maintainer = { username: 'maintainer', projectId: project.id, accessLevel: 40 };
  ({ token } = stage.gitlab.createUser(maintainer));
  call = await createCaller(stage.state.ekidenUrl);
  shas.push(await push('v1'));
  shas.push(await push('v2'));
  await settled(({ release }) => release.sha === shas[1], 'the end of the old instances');
});

afterAll(async () => {
  await stage?.stop();
});

describe('looking', () => {
  it('shows the project, its builds and its deployments', async () => {
    const { body } = await ours('GET', '');
    expect(body).toMatchObject({
      path: 'shop/front',
      environments: [{ name: 'production', services: [{ service: 'web', health: 'healthy' }] }],
      builds: [
        { state: 'succeeded', sha: shas[1] },
        { state: 'succeeded', sha: shas[0] },
      ],
      deployments: [{ state: 'succeeded' }, { state: 'succeeded' }],
    });
    const { body: listed } = await call('GET', '/projects', { token });
    expect(listed).toMatchObject({ items: [{ id: project.id, path: 'shop/front' }] });
    const [build] = (body as { builds: Named[] }).builds;
    const log = async () => {
      const { text } = await ours('GET', `/builds/${build?.id}/log`);
      return text.includes('live at') ? text : undefined;
    };
    expectJourney(await poll(log, { within, what: 'the end of the deployment in the log' }));
  });

  it('shows who uses a fragment', async () => {
    const { body } = await call('GET', '/fragments/logs?version=1.9.9', { token });
    const taken = [{ source: 'template:logs@1', version: '1.0.0' }];
    expect(body).toMatchObject({ users: [{ project: { path: 'shop/front' }, taken }] });
  });

  it('shows health, instances and what balancers are told', async () => {
    expect((await ours('GET', `${at}/health`)).body).toMatchObject({
      health: 'healthy',
      unhealthy: [],
    });
    const { body } = await ours('GET', `${at}/instances`);
    expect(body).toMatchObject({ items: [{ state: 'healthy', isRouted: true }] });
    const found = await ours('GET', '/discovery');
    expect(found.body).toMatchObject({ upstreams: [{ service: 'web', members: [{ weight: 1 }] }] });
    const text = await ours('GET', '/discovery/nginx');
    expect(text.text).toContain('upstream shop_front_production_web {');
    const headers = { 'If-None-Match': text.headers.get('etag') ?? '' };
    const path = `/projects/${project.id}/discovery/nginx`;
    const again = await call('GET', path, { token, headers });
    expect(again.status).toBe(304);
  });

  it('reads and follows log files, whole and in ranges', async () => {
    const { body } = await ours('GET', `${at}/instances`);
    const id = (body as { items: Named[] }).items[0]?.id;
    const folder = `${at}/instances/${id}/files`;
    const list = (await ours('GET', folder)).body as { items: { path: string }[] };
    expect(list.items.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['logs/access.log', 'stderr', 'stdout']),
    );
    expect((await ours('GET', `${folder}/logs/access.log`)).text).toBe('started v2\n');
    const part = await call('GET', `/projects/${project.id}${folder}/stdout`, {
      token,
      headers: { Range: 'bytes=8-9' },
    });
    expect([part.status, part.text]).toEqual([206, 'v2']);
    expect((await ours('GET', `${folder}/../state`)).status).toBe(404);

    const url = `${stage.state.ekidenUrl.replace('http', 'ws')}/api/v1/projects/${project.id}`;
    const headers = { 'PRIVATE-TOKEN': token };
    const socket = new WebSocket(`${url}${folder}/stdout?from=-1`, { headers });
    let seen = '';
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) seen += data.toString();
    });
    await poll(
      async () => {
        await ask({ url: stage.state.nginxUrl, host, path: '/hello' });
        return seen.includes('asked /hello') || undefined;
      },
      { within, what: 'the line about the request' },
    );
    socket.close();
  });

  it('measures what instances use', async () => {
    await poll(
      async () => {
        const { body } = await ours('GET', `${at}/metrics`);
        const { sum } = body as { sum: { values: { memory: (number | null)[] } } };
        return sum.values.memory.some((bytes) => (bytes ?? 0) > 1_000_000) || undefined;
      },
      { within, what: 'memory of the instance', every: 500 },
    );
  });
});

describe('acting', () => {
  it('scales, restarts, and refuses what cannot be now', async () => {
    expect((await ours('PUT', `${at}/scale`, { instances: 2 })).status).toBe(202);
    await settled(({ instances }) => instances.healthy === 2, 'two instances');
    const before = (await ours('GET', `${at}/instances`)).body as { items: Named[] };
    expect((await ours('POST', `${at}/restart`)).status).toBe(202);
    const meanwhile = await ours('PUT', `${at}/scale`, { instances: 1 });
    expect([meanwhile.status, (meanwhile.body as { title?: string }).title]).toEqual([
      409,
      expect.stringContaining('being deployed'),
    ]);
    await settled(({ instances }) => instances.healthy === 2, 'the end of the restart');
    const after = (await ours('GET', `${at}/instances`)).body as { items: Named[] };
    const old = new Set(before.items.map(({ id }) => id));
    expect(after.items.filter(({ id }) => old.has(id))).toEqual([]);
  });

  it('rolls back without a build, and a later push goes on', async () => {
    const back = await ours('POST', '/environments/production/rollback', {});
    expect(back.status).toBe(202);
    expect(await ended(back)).toBe('succeeded');
    await answers({ version: 'v1' });
    const { release, instances } = await service();
    expect([release.sha, instances.wanted]).toEqual([shas[0], 2]);
    await tryHook();
    await answers({ version: 'v1' });
    shas.push(await push('v3'));
    await answers({ version: 'v3' });
  });

  it('deploys again with the variables as they are now, and shows their names only', async () => {
    const value = 'hello-from-gitlab';
    stage.gitlab.setVariable({ projectId: project.id, key: 'GREETING', value, masked: true });
    const again = await ours('POST', '/deployments', { environment: 'production' });
    expect(again.status).toBe(202);
    expect(await ended(again)).toBe('succeeded');
    await answers({ greeting: value });
    expect((await service()).variables).toContain('GREETING');
    expect((await ours('GET', '')).text).not.toContain(value);
    expect((await ours('GET', '/deployments')).text).not.toContain(value);
  });

  it('builds when asked to, and cancels', async () => {
    // The image is there already, so that the build may be over before anybody cancels it.
    const { faults } = stage.gitlab;
    faults.add({ route: /repository\/(?:files|archive)/, never: true, times: 100 });
    const requested = await ours('POST', '/builds', { ref: 'main' });
    expect(requested.status).toBe(202);
    const { id } = requested.body as Named;
    const canceled = await poll(
      async () => {
        const { status, body } = await ours('POST', `/builds/${id}/cancel`);
        return status === 404 ? undefined : { status, body };
      },
      { within, what: 'the build that was asked for' },
    );
    faults.clear();
    expect(canceled).toMatchObject({
      status: 200,
      body: { state: 'canceled', cause: 'request', by: 'maintainer' },
    });
    expect((await ours('POST', `/builds/${id}/cancel`)).body).toMatchObject({ state: 'canceled' });
    const { body } = await ours('GET', '/builds');
    const built = (body as { items: (Named & { state: string })[] }).items.find(
      ({ state }) => state === 'succeeded',
    );
    expect((await ours('POST', `/builds/${built?.id}/cancel`)).status).toBe(409);
  });

  it('registers its hook, tries it, and takes it away', async () => {
    const enabled = await ours('PUT', '/hook');
    expect(enabled.body).toMatchObject({ test: { outcome: 'arrived' } });
    expect((await ours('DELETE', '/hook')).status).toBe(200);
    expect((await ours('DELETE', '/hook')).body).toEqual({ removed: [] });
  });

  it('takes everything down', async () => {
    const { body } = await ours('DELETE', '');
    expect(body).toEqual({ apps: ['/shop/front/production/web'] });
    expect((await ours('GET', at)).status).toBe(404);
    await poll(
      async () => {
        const { status } = await ask({ url: stage.state.nginxUrl, host });
        return status === 404 || undefined;
      },
      { within, what: 'the end of the address' },
    );
  });
});

it('tells Prometheus of the queues and of hooks', async () => {
  const text = await (await fetch(`${stage.state.ekidenUrl}/metrics`)).text();
  expect(text).toMatch(/ekiden_hooks_total\{decision="queued"\} [1-9]/);
  expect(text).toContain('ekiden_queue_jobs{queue="build"');
});
