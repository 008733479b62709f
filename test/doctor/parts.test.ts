/** The doctor in front of real parts: Redis, Docker, a registry, nginx's address, and servers that hang. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { connectRedis } from '../../src/clients/redis.ts';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { type Check, runChecks } from '../../src/doctor/check.ts';
import { checkDataFolder, checkDockerFolder } from '../../src/doctor/disk.ts';
import { checkDocker } from '../../src/doctor/docker.ts';
import { checkMarathon } from '../../src/doctor/marathon.ts';
import { checkNginxAddress } from '../../src/doctor/nginx.ts';
import { checkNode, checkProgram } from '../../src/doctor/programs.ts';
import { checkRedis } from '../../src/doctor/redis.ts';
import { checkRegistry } from '../../src/doctor/registry.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder, newInstall, useRedis } from '../support/redis.ts';

const redis = useRedis();
const dockerHost = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';

async function outcomesOf(check: Check, limit = 20_000) {
  return (await runChecks([check], limit)).map(({ state, found }) => `${state}: ${found}`);
}

/** A server that takes connections and says nothing; answers its port. */
async function startSilence(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onClose.push(() => socket.destroy());
  });
  const onClose: (() => void)[] = [];
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    for (const close of onClose) close();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

test('programs', async () => {
  expect(await outcomesOf(checkNode('20.18.1'))).toEqual(['ok: 20.18.1']);
  expect(await outcomesOf(checkNode('18.20.4'))).toEqual(['fail: 18.20.4 is older than 20.18.1']);
  const missing = { program: 'no-such-program', packages: 'the-package', setting: 'REDIS_URL' };
  const [finding] = await runChecks([checkProgram(missing)]);
  expect(finding).toMatchObject({ state: 'fail', found: 'is not installed' });
  expect(finding?.hint).toMatch(/apt-get install the-package, or set REDIS_URL$/);
  const server = { program: 'redis-server', packages: 'redis-server', setting: 'REDIS_URL' };
  expect(await outcomesOf(checkProgram(server))).toEqual([expect.stringMatching(/^ok: \d+\.\d+/)]);
});

test('Redis that keeps everything, that does not, and that is away', async () => {
  const check = checkRedis({ url: redis.url, isPrivate: true });
  expect(await outcomesOf(check)).toEqual([expect.stringMatching(/^ok: .*private, AOF on, noev/)]);
  const connection = connectRedis({ url: redis.url });
  onTestFinished(() => connection.disconnect());
  await connection.config('SET', 'appendonly', 'no');
  await connection.config('SET', 'maxmemory-policy', 'allkeys-lru');
  expect(await outcomesOf(check)).toEqual([
    expect.stringContaining('fail: '),
    expect.stringContaining('warn: '),
  ]);
  await connection.config('SET', 'appendonly', 'yes');
  await connection.config('SET', 'maxmemory-policy', 'noeviction');
  const nowhere = checkRedis({ url: 'redis://127.0.0.1:9', isPrivate: false });
  expect(await outcomesOf(nowhere)).toEqual(['fail: is not reached: nothing listens there']);
});

test('parts that hang are told to hang', async () => {
  const port = await startSilence();
  const hanging = [
    checkRedis({ url: `redis://127.0.0.1:${port}`, isPrivate: false }),
    checkDocker(`tcp://127.0.0.1:${port}`),
    checkMarathon({ addresses: [`http://127.0.0.1:${port}`], isEngine: false }),
    checkRegistry({ registry: `127.0.0.1:${port}`, dockerHost, install: newInstall() }),
  ];
  const findings = await runChecks(hanging, 300);
  expect(findings.map(({ state }) => state)).toEqual(['fail', 'fail', 'fail', 'fail']);
});

test('Docker and its folder', async () => {
  expect((await outcomesOf(checkDocker(dockerHost)))[0]).toMatch(/^ok: \d+\..*API 1\.\d+/);
  expect(await outcomesOf(checkDockerFolder(dockerHost))).toHaveLength(1);
  const nowhere = 'unix:///nowhere/docker.sock';
  const [finding] = await runChecks([checkDocker(nowhere)]);
  expect(finding?.found).toBe(`does not answer at ${nowhere}: it is not there`);
  expect(finding?.hint).toMatch(/systemctl start docker \(install it: .*docker\.io\)/);
  expect(await outcomesOf(checkDockerFolder(nowhere))).toEqual(['skip: Docker is not reached']);
});

test('a registry is pushed to and pulled from, and nothing is left', async () => {
  const [registry = ''] = await freeAddresses(1);
  const install = newInstall();
  const data = await makeFolder();
  const env = childEnvironment();
  const running = await startRegistry({ data, install, env, listen: registry, log: silent });
  onTestFinished(() => running.stop());
  const check = checkRegistry({ registry: `${registry}/team`, dockerHost, install });
  expect(await outcomesOf(check)).toEqual([`ok: ${registry}/team: push and pull work`]);
  const tags = await fetch(`http://${registry}/v2/team/ekiden-doctor/tags/list`);
  expect(await tags.json()).toEqual({ name: 'team/ekiden-doctor', tags: null });
  const filters = { label: [`ekiden.install=${install}`] };
  expect(await connectDocker(dockerHost).listImages({ filters })).toEqual([]);
  await running.stop();
  expect(await outcomesOf(check)).toEqual([
    `fail: ${registry}/team is not reached: nothing listens there`,
  ]);
});

test('a registry that asks for a login, which Ekiden has for none, is told apart', async () => {
  const server = createHttpServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="team"' }).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [finding] = await runChecks([
    checkRegistry({ registry, dockerHost, install: newInstall() }),
  ]);
  expect(finding).toMatchObject({
    state: 'fail',
    hint: `Ekiden pushes without a login: let ${registry} take images of this machine without one, or leave REGISTRY_URL empty for a registry of its own.`,
  });
});

test("nginx's address is free, taken, or taken by the nginx of this Ekiden", async () => {
  const [free = ''] = await freeAddresses(1);
  const port = await startSilence();
  const check = (at: number, runs: boolean) =>
    checkNginxAddress({
      ...{ mode: 'auto', listen: { host: '127.0.0.1', port: at } },
      ...{ hasLua: async () => true, runs: async () => runs },
    });
  expect(await outcomesOf(check(Number(free.split(':')[1]), false))).toEqual([
    `ok: ${free} is free`,
  ]);
  expect(await outcomesOf(check(port, false))).toEqual([`fail: 127.0.0.1:${port} is taken`]);
  expect(await outcomesOf(check(port, true))).toEqual([`ok: 127.0.0.1:${port} is Ekiden's`]);
});

test('a data folder that is not made yet is judged by where it will be', async () => {
  const folder = await makeFolder();
  const [outcome] = await outcomesOf(checkDataFolder(`${folder}/not/yet`));
  expect(outcome).toMatch(/^(ok|warn|fail): .*\/not\/yet: [\d.]+ GiB free \(\d+ %\)$/);
  expect((await outcomesOf(checkDataFolder('/proc/ekiden')))[0]).toMatch(/^fail|^warn/);
});
