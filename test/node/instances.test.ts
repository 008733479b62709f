/** Which instances a node knows: those of its installation in Docker, and those that ended. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker, type Docker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import { createInstances, type Instances } from '../../src/node/instances.ts';
import { until } from '../logs/rig.ts';

const docker = connectDocker(process.env['DOCKER_HOST']);

/** A data folder, and a name of an installation that no other test has. */
async function setUp() {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'node-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const install = `${process.env['EKIDEN_TEST_INSTALL'] ?? 'test'}-${randomBytes(4).toString('hex')}`;
  const start = async (over: Docker = docker): Promise<Instances> => {
    const instances = createInstances({ docker: over, install, data, log: silent });
    await instances.start();
    onTestFinished(() => instances.stop());
    return instances;
  };
  return { data, install, start };
}

interface Task {
  data: string;
  labels: Record<string, string>;
  env?: string[];
  network?: string;
}

/** A task as the engine or Mesos runs it; answers its id. */
async function run({ data, labels, env = [], network = 'none' }: Task) {
  const id = `shop_production_web.instance-${crypto.randomUUID()}._app.1`;
  const sandbox = join(data, 'engine/sandboxes', id);
  await mkdir(join(sandbox, 'logs'), { recursive: true });
  const container = await docker.createContainer({
    Image: process.env['EKIDEN_TEST_BUSYBOX'] ?? 'busybox',
    Cmd: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
    Labels: { MESOS_TASK_ID: id, ...labels },
    Env: env,
    HostConfig: {
      NetworkMode: network,
      Binds: [`${sandbox}:/mnt/mesos/sandbox`, `${sandbox}/logs:/var/log/app`],
    },
  });
  onTestFinished(() => container.remove({ force: true }).catch(() => undefined));
  await container.start();
  return { id, sandbox, container };
}

test('instances of the engine are known while they run, and after', async () => {
  const { data, install, start } = await setUp();
  const labels = { 'ekiden.install': install, 'ekiden.app': '/shop/production/web' };
  const early = await run({ data, labels });
  const instances = await start();
  const { State } = await early.container.inspect();
  expect(await instances.find(early.id)).toEqual({
    id: early.id,
    app: '/shop/production/web',
    sandbox: early.sandbox,
    folders: ['logs'],
    running: { id: early.container.id, pid: State.Pid, hasOwnNetwork: true },
  });
  const late = await run({ data, labels, network: 'host' });
  await until(async () => (await instances.find(late.id))?.running?.hasOwnNetwork === false);
  await early.container.remove({ force: true });
  await until(async () => (await instances.find(early.id))?.endedAt !== undefined);
  expect((await instances.find(early.id))?.running).toBeUndefined();
  const again = await start();
  expect((await again.find(early.id))?.endedAt).toBeDefined();
  expect((await again.find(late.id))?.running).toBeDefined();
  await rm(early.sandbox, { recursive: true });
  expect(await again.find(early.id)).toBeUndefined();
});

test('instances of Mesos are known by what Marathon hands over as variables', async () => {
  const { data, install, start } = await setUp();
  const env = [
    'MARATHON_APP_ID=/shop/production/web',
    `MARATHON_APP_LABEL_EKIDEN_INSTALL=${install}`,
  ];
  const { id } = await run({ data, labels: {}, env });
  const instances = await start();
  expect(await instances.find(id)).toMatchObject({
    app: '/shop/production/web',
    folders: ['logs'],
  });
});

test('containers of others are left alone', async () => {
  const { data, start } = await setUp();
  const other = { 'ekiden.install': 'other', 'ekiden.app': '/x' };
  await run({ data: `${data}/elsewhere`, labels: other });
  await run({ data: `${data}/elsewhere`, labels: {}, env: ['MARATHON_APP_ID=/x'] });
  expect((await start()).list()).toEqual([]);
});

test('a container that starts again has another process', async () => {
  const { data, install, start } = await setUp();
  const labels = { 'ekiden.install': install, 'ekiden.app': '/shop/production/web' };
  const { id, container } = await run({ data, labels });
  const instances = await start();
  const before = (await instances.find(id))?.running?.pid;
  await container.restart({ t: 0 });
  await until(async () => {
    const now = (await instances.find(id))?.running?.pid;
    return now !== undefined && now !== before;
  });
});

test('what ended before the node knew it is found by its folder', async () => {
  const { data, start } = await setUp();
  const id = `shop_production_web.instance-${crypto.randomUUID()}._app.1`;
  await mkdir(join(data, 'engine/sandboxes', id, 'logs'), { recursive: true });
  const instances = await start();
  expect(await instances.find(id)).toMatchObject({
    app: '/shop/production/web',
    folders: ['logs'],
  });
  for (const none of ['..', '.', '', 'x', '../../etc', `${id}/logs`, 'a.b-00000000-']) {
    expect(await instances.find(none)).toBeUndefined();
  }
});

test('without Docker what is known stays known', async () => {
  const { data, start } = await setUp();
  const sandbox = join(data, 'sandbox');
  await mkdir(sandbox);
  await mkdir(join(data, 'node'));
  const saved = [{ id: 'a.instance-1', app: '/a', sandbox, folders: ['logs'], endedAt: 5 }];
  await writeFile(join(data, 'node/instances.json'), JSON.stringify(saved));
  const instances = await start(connectDocker(`unix://${data}/none.sock`));
  expect(await instances.find('a.instance-1')).toEqual(saved[0]);
});

test('a file that cannot be read is no reason not to start', async () => {
  const { data, start } = await setUp();
  await mkdir(join(data, 'node'));
  await writeFile(join(data, 'node/instances.json'), '[{"id":1');
  expect((await start()).list()).toEqual([]);
});
