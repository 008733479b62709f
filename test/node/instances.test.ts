/** Which instances a node knows: those of its installation in Docker, and those that ended. */
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import { createInstances } from '../../src/node/instances.ts';
import { until } from '../logs/rig.ts';
import { run, setUp } from './rig.ts';

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

test('a container of which Docker says nothing yet delays no other', async () => {
  const { data, install } = await setUp();
  const labels = { 'ekiden.install': install, 'ekiden.app': '/shop/production/web' };
  const { id } = await run({ data, labels });
  // Docker lists the newest first.
  const { container: starting } = await run({ data, labels: {} });
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const { getContainer } = docker;
  const started = new AbortController();
  docker.getContainer = (wanted) => {
    const container = getContainer.call(docker, wanted);
    const inspect = async () => {
      await once(started.signal, 'abort');
      return starting.inspect();
    };
    return wanted === starting.id ? Object.assign(container, { inspect }) : container;
  };
  const instances = createInstances({ docker, install, data, log: silent });
  const isStarted = instances.start();
  onTestFinished(async () => {
    started.abort();
    await isStarted;
    await instances.stop();
  });
  await until(async () => (await instances.find(id))?.running !== undefined);
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
  expect(await instances.ofApp('/shop/production/web')).toMatchObject([{ id }]);
  expect(await instances.ofApp('/shop/production')).toEqual([]);
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
