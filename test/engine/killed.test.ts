/** The engine's process, killed in the middle of what it does: the next one finds what runs and brings the rest to its end. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import {
  busybox,
  call,
  containersOf,
  docker,
  dockerHost,
  type Json,
  plain,
  removeInstall,
  until,
} from './harness.ts';

interface KilledEngine {
  data: string;
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }>;
  tasks(id: string): Promise<Json[]>;
  settled(): Promise<void>;
  /** Task ids of the app's containers that run. */
  running(id: string): Promise<string[]>;
  /** Kills the process; the next one is up to `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

async function startEngine(): Promise<KilledEngine> {
  const install = `${process.env['EKIDEN_TEST_INSTALL'] ?? 'dev'}-${crypto.randomUUID().slice(0, 8)}`;
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'killed-'));
  const [listen = ''] = await freeAddresses(1);
  const url = `http://${listen}`;
  let child: EkidenProcess;
  const start = async () => {
    child = await startEkidenProcess({
      ...{ name: 'engine', data, settings: {} },
      args: [
        ...['engine', '--listen', listen, '--data', data, '--docker', dockerHost],
        ...['--install', install, '--image', busybox, '--drain', '0'],
      ],
      isReady: async () => (await fetch(`${url}/ping`)).ok,
    });
  };
  await start();
  const api = (method: string, path: string, body?: unknown) => call(url + path, method, body);
  const label = [`ekiden.install=${install}`];
  return {
    ...{ data, api, start, kill: () => child.kill() },
    tasks: async (id) => (await api('GET', `/v2/apps${id}/tasks`)).body.tasks,
    settled: () => eventually(async () => (await api('GET', '/v2/deployments')).body.length === 0),
    running: async (id) => {
      const found = await docker.listContainers({ filters: { label, status: ['running'] } });
      const ids = found.map(({ Labels }) => Labels['MESOS_TASK_ID'] ?? '');
      return ids.filter((taskId) => taskId.startsWith(`${id.slice(1)}.`)).sort();
    },
    close: async () => {
      await child.stop();
      await removeInstall(install);
      await rm(data, { recursive: true, force: true });
    },
  };
}

const idsOf = (tasks: Json[]): string[] => tasks.map(({ id }) => id).sort();

/** From before the first container to after the last one, on a slow machine too. */
const MOMENTS_MS = [0, 60, 250];

/** Each process of the engine takes seconds to start where the machine has much else to do. */
const PATIENCE_MS = 60_000;

/** Two processes and their deployments, one after the other. */
const timeout = 3 * PATIENCE_MS;

function eventually(check: () => Promise<unknown>): Promise<void> {
  return until(check, PATIENCE_MS);
}

let engine: KilledEngine;

beforeAll(async () => {
  engine = await startEngine();
  const app = { ...plain('/roll'), instances: 2, taskKillGracePeriodSeconds: 1 };
  await engine.api('POST', '/v2/apps', app);
  await engine.settled();
}, timeout);

afterAll(() => engine.close());

it.each(MOMENTS_MS)(
  'killed after %i ms it launches what it was launching, once, and brings a rolling deployment to its end',
  { timeout },
  async (moment) => {
    const id = `/launch-${moment}`;
    const env = { MOMENT: String(moment) };
    const { body } = await engine.api('PUT', '/v2/apps/roll', { env });
    await engine.api('POST', '/v2/apps', { ...plain(id), instances: 2 });
    await sleep(moment);
    await engine.kill();
    // It never ends what is to stay.
    expect((await engine.running('/roll')).length).toBeGreaterThanOrEqual(2);
    await engine.start();
    await engine.settled();
    const launched = await engine.tasks(id);
    expect(launched.map(({ state }) => state)).toEqual(['TASK_RUNNING', 'TASK_RUNNING']);
    expect((await engine.api('GET', `/v2/apps${id}`)).body.app.lastTaskFailure).toBeUndefined();
    expect(await engine.running(id)).toEqual(idsOf(launched));
    const rolled = await engine.tasks('/roll');
    expect(rolled.map(({ version }) => version)).toEqual([body.version, body.version]);
    expect(await engine.running('/roll')).toEqual(idsOf(rolled));
  },
);

it('kills what it was killing', { timeout }, async () => {
  await engine.api('POST', '/v2/apps', { ...plain('/kill'), instances: 3 });
  await engine.settled();
  const [first] = await engine.tasks('/kill');
  await engine.api('DELETE', `/v2/apps/kill/tasks/${first.id}?scale=true`);
  await engine.kill();
  await engine.start();
  await engine.settled();
  expect(idsOf(await engine.tasks('/kill'))).not.toContain(first.id);
  expect(await engine.running('/kill')).toEqual(idsOf(await engine.tasks('/kill')));
  expect((await engine.api('GET', '/v2/apps/kill')).body.app.instances).toBe(2);
  await engine.api('DELETE', '/v2/apps/kill');
  await engine.kill();
  await engine.start();
  await eventually(async () => (await engine.api('GET', '/v2/apps/kill')).status === 404);
  await eventually(async () => (await engine.running('/kill')).length === 0);
});

it('adopts what runs, replaces what is gone, and loses no line of what was printed meanwhile', {
  timeout,
}, async () => {
  const cmd = 'trap "exit 0" TERM; n=0; while :; do echo $n; n=$((n+1)); sleep 0.02; done';
  await engine.api('POST', '/v2/apps', { ...plain('/adopt', cmd), instances: 3 });
  await engine.settled();
  const [kept, removed, ended] = (await engine.tasks('/adopt')) as [Json, Json, Json];
  const stdoutOf = async (task: Json) =>
    readFile(join(engine.data, 'sandboxes', task.id, 'stdout'), 'utf8').catch(() => '');
  for (const task of [kept, ended]) {
    await eventually(async () => (await stdoutOf(task)).includes('\n20\n'));
  }
  await engine.kill();
  const [containerToRemove = ''] = await containersOf(removed.id);
  await docker.getContainer(containerToRemove).remove({ force: true });
  const [containerToEnd = ''] = await containersOf(ended.id);
  await docker.getContainer(containerToEnd).stop({ t: 5 });
  await engine.start();
  await eventually(async () => (await engine.running('/adopt')).length === 3);
  const ids = idsOf(await engine.tasks('/adopt'));
  expect(ids).toContain(kept.id);
  expect(ids).not.toContain(removed.id);
  expect(ids).not.toContain(ended.id);
  await engine.api('DELETE', '/v2/apps/adopt');
  await eventually(async () => (await engine.running('/adopt')).length === 0);
  for (const task of [kept, ended]) {
    const lines = (await stdoutOf(task)).trim().split('\n');
    expect(lines).toEqual(lines.map((_line, index) => String(index)));
    expect(lines.length).toBeGreaterThan(20);
  }
});
