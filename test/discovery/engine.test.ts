/** Discovery behind the real engine: a version replaces another while users ask, and none of them notices. */
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startEngine } from '../../runners/engine.ts';
import { connectDocker } from '../../src/clients/docker.ts';
import { createMarathon } from '../../src/clients/marathon.ts';
import { silent } from '../../src/core/log.ts';
import { createDiscovery, createNginx } from '../../src/discovery/index.ts';
import { afterTest, ask, freePort, makeFolder, startLoad, templates } from './backends.ts';

const install = `${process.env['EKIDEN_TEST_INSTALL'] ?? 'dev'}-discovery`;
const image = process.env['EKIDEN_TEST_NODE'] ?? 'ekiden-base/node:dev';
const docker = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';

const program = (version: string) =>
  `require('http').createServer((_, answer) => answer.end('${version}')).listen(8080)`;

function definition(id: string, version: string) {
  return {
    id,
    instances: 2,
    cpus: 0.1,
    mem: 64,
    args: ['node', '-e', program(version)],
    container: {
      type: 'DOCKER',
      docker: { image },
      portMappings: [{ containerPort: 8080, hostPort: 0 }],
    },
    networks: [{ mode: 'container/bridge' }],
    healthChecks: [
      {
        protocol: 'HTTP',
        path: '/',
        intervalSeconds: 1,
        timeoutSeconds: 2,
        gracePeriodSeconds: 30,
      },
    ],
    labels: { 'ekiden.install': install, 'ekiden.routes': 'a.test' },
  };
}

/** Engine, nginx and discovery, with everything gone after the test. */
async function startAll() {
  const data = await makeFolder();
  const engine = await startEngine({
    listen: '127.0.0.1:0',
    data,
    docker,
    install,
    drainSeconds: 2,
  });
  const marathon = createMarathon({ addresses: [engine.url], log: silent });
  const port = await freePort();
  const nginx = createNginx({
    listen: `127.0.0.1:${port}`,
    data: join(data, 'balancer'),
    install,
    templates,
    mode: 'auto',
    log: silent,
  });
  const discovery = createDiscovery({
    dataCentres: [{ name: 'default', marathon }],
    ...{ nginx, install, log: silent },
  });
  afterTest(async () => {
    await marathon.deleteApp('/a', { force: true });
    const gone = async () => expect(await marathon.deployments()).toEqual([]);
    await vi.waitFor(gone, { timeout: 60_000, interval: 200 });
    await discovery.stop();
    await nginx.stop();
    await marathon.close();
    await engine.stop();
    await removeNetworks();
  });
  await nginx.start();
  await discovery.start();
  return { marathon, port };
}

async function removeNetworks(): Promise<void> {
  const daemon = connectDocker(docker);
  const label = [`ekiden.install=${install}`];
  const networks = await daemon.listNetworks({ filters: { label } });
  await Promise.all(networks.map(({ Id }) => daemon.getNetwork(Id).remove()));
}

test('a rolling replacement costs no request', { timeout: 120_000 }, async () => {
  const { marathon, port } = await startAll();
  await marathon.putApp(definition('/a', 'one'));
  const answers = (version: string) =>
    vi.waitFor(
      async () => expect(await ask(port, 'a.test')).toEqual({ status: 200, body: version }),
      {
        timeout: 60_000,
        interval: 100,
      },
    );
  const finished = () =>
    vi.waitFor(async () => expect(await marathon.deployments()).toEqual([]), {
      timeout: 60_000,
      interval: 100,
    });
  await answers('one');
  await finished();
  const { seen, end } = startLoad(port, 20);
  await marathon.putApp(definition('/a', 'two'));
  await answers('two');
  await finished();
  await end();
  expect(seen.failures).toEqual([]);
  expect(Math.min(seen.kept, seen.fresh)).toBeGreaterThan(20);
  expect((await marathon.app('/a'))?.tasks.map(({ state }) => state)).toContain('TASK_RUNNING');
});
