/** The embedded engine: a start beside `docker run`, a hundred apps at once, three hundred instances, a list of a thousand apps. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express from 'express';
import { connectDocker } from '../../src/clients/docker.ts';
import { addAppRoutes } from '../../src/engine/api/routes-apps.ts';
import type { Api } from '../../src/engine/api/server.ts';
import { normalizeApp } from '../../src/engine/apps/app-definition.ts';
import { createCluster, type Instance } from '../../src/engine/state/cluster.ts';
import { startEkidenProcess } from '../demo/ekiden-process.ts';
import { poll } from '../demo/poll.ts';
import { cpuOf, median, quantile, rssOf } from './measure.ts';
import { type Bench, freeAddress, type Row } from './stage.ts';

const run = promisify(execFile);

const starts = 9;
const appsAtOnce = 100;
const instances = 300;
const listed = 1_000;
const reads = 30;

interface BenchedEngine {
  pid: number;
  api(method: string, path: string, body?: unknown): Promise<Response>;
  stop(): Promise<void>;
}

/** A process of its own, whose containers are gone at the end. */
async function startEngine(bench: Bench): Promise<BenchedEngine> {
  const { data, install, dockerHost, images } = bench;
  await mkdir(data, { recursive: true });
  const listen = await freeAddress();
  const url = `http://${listen}`;
  const engine = await startEkidenProcess({
    ...{ name: 'engine', data, settings: {} },
    args: [
      ...['engine', '--listen', listen, '--data', join(data, 'engine'), '--docker', dockerHost],
      ...['--install', install, '--image', images.busybox, '--drain', '0'],
    ],
    isReady: async () => (await fetch(`${url}/ping`)).ok,
  });
  return {
    pid: engine.pid,
    api: (method, path, body) =>
      fetch(url + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) }),
    stop: async () => {
      await engine.stop();
      await removeContainers(bench);
    },
  };
}

async function removeContainers({ dockerHost, install }: Bench): Promise<void> {
  const docker = connectDocker(dockerHost);
  const label = [`ekiden.install=${install}`];
  const left = await docker.listContainers({ all: true, filters: { label } });
  for (const { Id } of left)
    await docker.getContainer(Id).remove({ force: true }).catch(unlessGone);
}

/** The engine may have begun to remove it before it was stopped. */
function unlessGone(error: { statusCode?: number }): void {
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

const small = (id: string, more: object = {}) => ({
  ...{ id, cmd: 'trap "exit 0" TERM; sleep 100000 & wait', cpus: 0.01, mem: 32 },
  ...{ taskKillGracePeriodSeconds: 1, ...more },
});

/** Resolves when nothing is being deployed. */
async function settled({ api }: BenchedEngine, within: number): Promise<void> {
  const look = async () =>
    ((await (await api('GET', '/v2/deployments')).json()) as []).length === 0;
  await poll(async () => ((await look()) ? true : undefined), {
    within,
    every: 5,
    what: 'the end of all deployments',
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;

/** Starts beside Docker's own, a hundred apps at once, and a list of a thousand. */
export async function measureEngine(bench: Bench): Promise<Row[]> {
  return await withEngine(bench, async (engine) => [
    ...(await measureStarts(bench, engine)),
    ...(await measureApps(engine)),
    ...(await measureList()),
  ]);
}

/** Three hundred instances of one app. */
export async function measureInstances(bench: Bench): Promise<Row[]> {
  return await withEngine(bench, measureMany);
}

async function withEngine(bench: Bench, measure: (engine: BenchedEngine) => Promise<Row[]>) {
  const engine = await startEngine(bench);
  try {
    return await measure(engine);
  } finally {
    await engine.stop();
  }
}

/** In turns, so that both have the same machine; the first of each is not counted. */
async function measureStarts(bench: Bench, engine: BenchedEngine): Promise<Row[]> {
  const [byHand, byEngine]: [number[], number[]] = [[], []];
  for (let turn = 0; turn <= starts; turn++) {
    const app = small(`/start-${turn}`);
    byHand.push(await timed(() => dockerRun(bench, app)));
    byEngine.push(
      await timed(async () => {
        await engine.api('POST', '/v2/apps', app);
        await settled(engine, 30_000);
      }),
    );
    await engine.api('DELETE', `/v2/apps${app.id}`);
    await settled(engine, 30_000);
  }
  const [hand, deployed] = [median(byHand.slice(1)), median(byEngine.slice(1))];
  return [
    { what: 'docker run of a small container (median of 9)', measured: ms(hand), aim: '' },
    {
      what: 'the same as an app, from POST to the end of its deployment',
      measured: `${ms(deployed)}, ${ms(deployed - hand)} above`,
      aim: '≤ 300 ms above',
    },
  ];
}

async function dockerRun(
  { dockerHost, install, images }: Bench,
  { cmd }: { cmd: string },
): Promise<void> {
  const flags = [
    '-d',
    '--network',
    'host',
    '--memory',
    '32m',
    '--label',
    `ekiden.install=${install}`,
  ];
  const command = [images.busybox, '/bin/sh', '-c', cmd];
  await run('docker', ['-H', dockerHost, 'run', ...flags, ...command]);
}

async function measureApps(engine: BenchedEngine): Promise<Row[]> {
  const ids = Array.from({ length: appsAtOnce }, (_, n) => `/at-once/app-${n}`);
  const up = await timed(async () => {
    const answers = await Promise.all(ids.map((id) => engine.api('POST', '/v2/apps', small(id))));
    const refused = answers.filter(({ ok }) => !ok);
    if (refused.length > 0) throw new Error(`${refused.length} of the apps were refused`);
    await settled(engine, 300_000);
  });
  const down = await timed(async () => {
    await Promise.all(ids.map((id) => engine.api('DELETE', `/v2/apps${id}`)));
    await settled(engine, 300_000);
  });
  return [
    {
      what: `${appsAtOnce} apps deployed at once: until all have settled; deleted at once`,
      measured: `${seconds(up)}; ${seconds(down)}`,
      aim: 'all settle',
    },
  ];
}

async function measureMany(engine: BenchedEngine): Promise<Row[]> {
  const before = await cpuOf(engine.pid);
  const up = await timed(async () => {
    await engine.api('POST', '/v2/apps', small('/many', { instances, cpus: 0.001 }));
    await settled(engine, 600_000);
  });
  const busy = ((await cpuOf(engine.pid)) - before) / 1e6;
  const list = await timesOf(async () => {
    await (await engine.api('GET', '/v2/apps?embed=apps.tasks')).arrayBuffer();
  });
  const idleFrom = await cpuOf(engine.pid);
  const idle = await timed(() => new Promise((resolve) => setTimeout(resolve, 10_000)));
  const share = ((await cpuOf(engine.pid)) - idleFrom) / 10 / idle;
  const memory = (await rssOf(engine.pid)) / 1e6;
  const down = await timed(async () => {
    await engine.api('DELETE', '/v2/apps/many');
    await settled(engine, 600_000);
  });
  return [
    {
      what: `${instances} instances of an app: until all run; listed (median); stopped`,
      measured: `${seconds(up)}; ${ms(median(list))}; ${seconds(down)}`,
      aim: '',
    },
    {
      what: 'the engine meanwhile: CPU for the start, CPU idle, memory',
      measured: `${busy.toFixed(1)} s, ${share.toFixed(1)} %, ${memory.toFixed(0)} MB`,
      aim: '',
    },
  ];
}

async function timesOf(work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n <= reads; n++) times.push(await timed(work));
  return times.slice(1);
}

/** The routes of the engine over a state that is made up: so many containers would measure Docker. */
async function measureList(): Promise<Row[]> {
  const cluster = createCluster(() => undefined);
  const version = '2026-01-01T00:00:00.000Z';
  for (let n = 0; n < listed; n++) {
    const app = normalizeApp({ ...small(`/group-${n % 20}/app-${n}`), healthChecks: [{}] });
    const versionInfo = { lastScalingAt: version, lastConfigChangeAt: version };
    cluster.setApp(app.id, { ...app, version, versionInfo });
    const record = cluster.record(app.id);
    for (let k = 0; k < 3; k++) record.instances.set(`${n}-${k}`, madeUp(app.id, `${n}-${k}`));
  }
  const app = express();
  addAppRoutes(app, { cluster, host: '127.0.0.1' } as unknown as Api);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let bytes = 0;
  const times = await timesOf(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/apps?embed=apps.tasks`);
    bytes = (await answer.arrayBuffer()).byteLength;
  }).finally(() => server.close());
  return [
    {
      what: `GET /v2/apps?embed=apps.tasks of ${listed} apps with 3 tasks each (${(bytes / 1e6).toFixed(1)} MB)`,
      measured: `median ${ms(median(times))}, p90 ${ms(quantile(times, 0.9))}`,
      aim: '< 200 ms',
    },
  ];
}

function madeUp(appId: string, name: string): Instance {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id: `${appId.slice(1).replaceAll('/', '_')}.instance-${name}`,
    ...{ appId, version: at, incarnation: 1, condition: 'Running', goal: 'Running' },
    ...{ scheduledAt: at, stagedAt: at, startedAt: at, ports: [31_000], health: [] },
  };
}
