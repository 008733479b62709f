/** What a task finds in its container, on every kind of network: environment, ports, limits, volumes, users. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import {
  bridged,
  busybox,
  containersOf,
  docker,
  type Json,
  plain,
  startTestEngine,
  type TestEngine,
  until,
  WAIT,
} from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

/** Starts the app and waits until it runs. */
async function run(app: Json): Promise<Json> {
  const { status, body } = await engine.api('POST', '/v2/apps', app);
  expect([status, body.details]).toEqual([201, undefined]);
  await until(async () => (await engine.tasks(app.id))[0]?.state === 'TASK_RUNNING');
  return (await engine.tasks(app.id))[0];
}

const sandboxOf = (task: Json) => join(engine.data, 'sandboxes', task.id);

async function inspect(task: Json) {
  const [id = ''] = await containersOf(task.id);
  return await docker.getContainer(id).inspect();
}

/** What the task has printed into a file of its sandbox. */
async function printed(task: Json, file = 'stdout'): Promise<string> {
  const path = join(sandboxOf(task), file);
  await until(async () => (await readFile(path, 'utf8').catch(() => '')).endsWith('end\n'));
  return readFile(path, 'utf8');
}

it('tells a task where it is, and lets the app have the last word', async () => {
  const env = { MARATHON_APP_ID: 'mine', PORT_WEB: 'too' };
  const task = await run({
    ...plain('/env', `env; echo end; ${WAIT}`),
    portDefinitions: [{ name: 'web' }, { name: 'admin-ui' }],
    ...{ env, labels: { 'team.name': 'a b' } },
  });
  const found = new Map(
    (await printed(task)).split('\n').map((line) => line.split(/=(.*)/s) as [string, string]),
  );
  const [first, second] = task.ports.map(String);
  const { app } = (await engine.api('GET', '/v2/apps/env')).body;
  const [servicePort] = app.portDefinitions.map(({ port }: Json) => String(port));
  expect(Object.fromEntries(found)).toMatchObject({
    ...env,
    MESOS_TASK_ID: task.id,
    MESOS_SANDBOX: '/mnt/mesos/sandbox',
    MARATHON_APP_VERSION: app.version,
    MARATHON_APP_RESOURCE_MEM: '32.0',
    MARATHON_APP_LABELS: 'TEAM_NAME',
    MARATHON_APP_LABEL_TEAM_NAME: 'a b',
    HOST: task.host,
    ...{ PORT: first, PORT0: first, PORT1: second, PORTS: `${first},${second}` },
    ...{ PORT_ADMIN_UI: second, [`PORT_${servicePort}`]: first },
  });
  expect(found.has('MARATHON_APP_DOCKER_IMAGE')).toBe(false);
});

it('publishes a port of the container by both protocols under one number', async () => {
  const app = bridged('/both', WAIT, 5300);
  app.container.portMappings[0].protocol = 'udp,tcp';
  const task = await run(app);
  const { HostConfig, NetworkSettings } = await inspect(task);
  const [HostPort] = task.ports.map(String);
  const binding = [{ HostIp: '127.0.0.1', HostPort }];
  expect(HostConfig.PortBindings).toEqual({ '5300/tcp': binding, '5300/udp': binding });
  expect(task.ipAddresses).toEqual([
    {
      ipAddress: Object.values(NetworkSettings.Networks)[0]?.IPAddress,
      protocol: 'IPv4',
    },
  ]);
});

it('gives a udp port that is in use on the machine to nobody', async () => {
  const socket = createSocket('udp4').bind(0, '0.0.0.0');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const { port } = socket.address();
  const app = {
    ...plain('/udp'),
    requirePorts: true,
    portDefinitions: [{ port, protocol: 'udp' }],
  };
  await engine.api('POST', '/v2/apps', app);
  const reasons = async () => {
    const { queue } = (await engine.api('GET', '/v2/queue')).body;
    const item = queue.find((one: Json) => one.app.id === '/udp');
    return item?.processedOffersSummary.rejectSummaryLaunchAttempt ?? [];
  };
  await until(async () =>
    (await reasons()).some(
      ({ reason, declined }: Json) => reason === 'InsufficientPorts' && declined > 0,
    ),
  );
  await engine.api('DELETE', '/v2/apps/udp');
  const tcp = { ...app, id: '/tcp', portDefinitions: [{ port, protocol: 'tcp' }] };
  expect((await run(tcp)).ports).toEqual([port]);
});

it('joins a network by its name, and publishes nothing that is not asked for', async () => {
  const name = `${engine.install}-own`;
  const network = await docker.createNetwork({
    Name: name,
    Labels: { 'ekiden.install': engine.install },
  });
  onTestFinished(() => network.remove());
  const app = bridged('/named', WAIT);
  app.networks = [{ mode: 'container', name }];
  const task = await run(app);
  const { HostConfig, NetworkSettings } = await inspect(task);
  expect(HostConfig.NetworkMode).toBe(name);
  expect(HostConfig.PortBindings ?? {}).toEqual({});
  expect(task.ports).toEqual([]);
  expect(task.ipAddresses[0].ipAddress).toBe(NetworkSettings.Networks[name]?.IPAddress);
  await engine.api('DELETE', '/v2/apps/named');
  await until(async () => (await containersOf(task.id)).length === 0);
});

it('bounds, mounts and runs as the app says', async () => {
  const volumes = [
    { containerPath: '/in', hostPath: 'in', mode: 'RW' },
    { containerPath: '/zone', hostPath: '/usr/share/zoneinfo', mode: 'RO' },
  ];
  const parameters = [
    { key: 'ulimit', value: 'nofile=77:77' },
    { key: 'hostname', value: 'box' },
  ];
  const cmd = `{ id -u; ulimit -n; hostname; touch /zone/x || echo RO; echo end; } >> /in/seen 2>&1; ${WAIT}`;
  const task = await run({
    ...{ id: '/bounded', cmd, cpus: 0.1, mem: 32, user: '65534', tty: true },
    resourceLimits: { cpus: 0.5, mem: 48 },
    networks: [{ mode: 'container/bridge' }],
    container: { type: 'DOCKER', docker: { image: busybox, parameters }, volumes },
  });
  expect((await printed(task, 'in/seen')).split('\n')).toEqual([
    ...['65534', '77', 'box'],
    expect.stringContaining('touch: /zone/x'),
    ...['RO', 'end', ''],
  ]);
  const { HostConfig, Config } = await inspect(task);
  const { NanoCpus, Memory, MemorySwap, MemoryReservation } = HostConfig;
  const megabyte = 1024 ** 2;
  expect([NanoCpus, Memory, MemorySwap, MemoryReservation]).toEqual([
    5e8,
    48 * megabyte,
    48 * megabyte,
    32 * megabyte,
  ]);
  expect([Config.Tty, Config.User]).toEqual([true, '65534']);
  expect((await stat(sandboxOf(task))).mode & 0o777).toBe(0o777);
});

it('hands arguments to what an app without an image names first', async () => {
  const { cmd: _, ...app } = plain('/args');
  const args = ['sh', '-c', `echo "$0 $1"; echo end; ${WAIT}`, 'one two', '$HOME'];
  expect(await printed(await run({ ...app, args }))).toBe('one two $HOME\nend\n');
});
