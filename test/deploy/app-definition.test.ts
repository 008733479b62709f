/** The Marathon app of a deployment, as a whole and part by part. */
import { describe, expect, it } from 'vitest';
import type { ServiceSpec } from '../../src/core/manifest.ts';
import { addressesOf, toApp } from '../../src/deploy/releases/app-definition.ts';
import { health, sampleDeployment, sampleService } from './sample.ts';

const made = { createdAt: Date.UTC(2026, 0, 2), variables: [], secrets: [] };
const options = { install: 'lab', domain: 'apps.test', release: 3, ...made };
const times = {
  gracePeriodSeconds: 30,
  intervalSeconds: 5,
  timeoutSeconds: 4,
  maxConsecutiveFailures: 3,
};

/** The label that tells what the manifest says, without the values of variables. */
function specOf({ env: _, ...spec }: ServiceSpec): string {
  return JSON.stringify(spec);
}

/** What a repository without a manifest gets. */
const plain = {
  id: '/shop/cart/production/web',
  instances: 1,
  cpus: 0.1,
  mem: 256,
  env: { LOG_DIR: '/var/log/app' },
  labels: {
    'ekiden.install': 'lab',
    'ekiden.project': '7',
    'ekiden.path': 'shop/cart',
    'ekiden.environment': 'production',
    'ekiden.service': 'web',
    'ekiden.services': '1',
    'ekiden.release': '3',
    'ekiden.commit': '0123456789abcdef0123456789abcdef01234567',
    'ekiden.ref': 'refs/heads/main',
    'ekiden.build': 'b1',
    'ekiden.created': '2026-01-02T00:00:00.000Z',
    'ekiden.request': 'd1',
    'ekiden.spec': specOf(sampleService()),
    'ekiden.deploy': JSON.stringify(sampleDeployment().deploy),
    'ekiden.routes': 'shop-cart.apps.test',
  },
  container: {
    type: 'DOCKER',
    docker: {
      image: 'registry.test/shop/cart@sha256:aa',
      forcePullImage: false,
      privileged: false,
    },
    volumes: [{ containerPath: '/var/log/app', hostPath: 'logs', mode: 'RW' }],
    portMappings: [{ containerPort: 8080, hostPort: 0, protocol: 'tcp', name: 'p8080' }],
  },
  networks: [{ mode: 'container/bridge' }],
  healthChecks: [{ protocol: 'TCP', portIndex: 0, ...times }],
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  backoffSeconds: 1,
  backoffFactor: 1.5,
  maxLaunchDelaySeconds: 60,
  taskKillGracePeriodSeconds: 10,
};

describe('the whole app', () => {
  it('of a repository without a manifest', () => {
    expect(toApp(sampleDeployment(), options)).toEqual(plain);
  });

  it('of a worker, which has neither port nor check nor address', () => {
    const deployment = sampleDeployment({ service: sampleService({ ports: [] }) });
    const { 'ekiden.routes': _, ...others } = plain.labels;
    const labels = { ...others, 'ekiden.spec': specOf(deployment.service) };
    expect(toApp(deployment, options)).toEqual({
      ...plain,
      labels,
      container: { ...plain.container, portMappings: [] },
      healthChecks: [],
    });
  });

  it('of one of several services', () => {
    const service = sampleService({ name: 'rpc', instances: 4, cpus: 2, mem: 64 });
    const app = '/shop/cart/staging/rpc';
    const deployment = { service, serviceCount: 2, environment: 'staging', app };
    expect(toApp(sampleDeployment(deployment), options)).toEqual({
      ...plain,
      id: app,
      instances: 4,
      cpus: 2,
      mem: 64,
      labels: {
        ...plain.labels,
        'ekiden.environment': 'staging',
        'ekiden.service': 'rpc',
        'ekiden.services': '2',
        'ekiden.spec': specOf(service),
        'ekiden.routes': 'rpc.staging--shop-cart.apps.test',
      },
    });
  });

  it('with ports: auto, which is the host network and $PORT', () => {
    const service = sampleService({ ports: 'auto', health: { ...health, path: '/up' } });
    const { portMappings: _, ...container } = plain.container;
    expect(toApp(sampleDeployment({ service }), options)).toEqual({
      ...plain,
      labels: { ...plain.labels, 'ekiden.spec': specOf(service) },
      container,
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 0, protocol: 'tcp', name: 'http' }],
      requirePorts: false,
      healthChecks: [{ protocol: 'HTTP', path: '/up', portIndex: 0, ...times }],
    });
  });
});

describe('health checks', () => {
  const tcp = (portIndex: number) => [{ protocol: 'TCP', portIndex, ...times }];
  it.each([
    ['TCP on the first port', { ports: [8080, 9090] }, tcp(0)],
    [
      'TCP on the port that is named',
      { ports: [8080, 9090], health: { ...health, port: 9090 } },
      tcp(1),
    ],
    [
      'HTTP on the port that is named',
      { ports: [8080, 9090], health: { ...health, path: '/up', port: 9090 } },
      [{ protocol: 'HTTP', path: '/up', portIndex: 1, ...times }],
    ],
    [
      'a command',
      { health: { ...health, command: 'test -e /ok' } },
      [{ protocol: 'COMMAND', command: { value: 'test -e /ok' }, ...times }],
    ],
    [
      'a command in a worker',
      { ports: [], health: { ...health, command: 'test -e /ok' } },
      [{ protocol: 'COMMAND', command: { value: 'test -e /ok' }, ...times }],
    ],
    ['none where it is switched off', { health: false as const }, []],
    ['TCP on $PORT', { ports: 'auto' as const }, tcp(0)],
  ])('%s', (_, change, wanted) => {
    const deployment = sampleDeployment({ service: sampleService(change) });
    expect(toApp(deployment, options).healthChecks).toEqual(wanted);
  });

  it('map a port that only the check uses, which gets no address by that', () => {
    const ports = sampleService({ ports: [8080], health: { ...health, port: 9090 } });
    const web = toApp(sampleDeployment({ service: ports }), options);
    expect(web.container).toMatchObject({
      portMappings: [{ containerPort: 8080 }, { containerPort: 9090, name: 'p9090' }],
    });
    expect(web.healthChecks).toEqual(tcp(1));
    const worker = sampleDeployment({ service: { ...ports, ports: [] } });
    expect(toApp(worker, options).healthChecks).toEqual(tcp(0));
    expect(addressesOf(worker, 'apps.test')).toEqual([]);
  });
});

describe('what the manifest adds', () => {
  const appOf = (change: Parameters<typeof sampleService>[0]) =>
    toApp(sampleDeployment({ service: sampleService(change) }), options);

  it('a command for the shell, or a list as it is', () => {
    expect(appOf({ command: 'node a.js | tee b' })).toMatchObject({ cmd: 'node a.js | tee b' });
    expect(appOf({ command: ['node', 'a b.js'] })).toMatchObject({ args: ['node', 'a b.js'] });
    expect(appOf({ command: 'x' })).not.toHaveProperty('args');
    expect(appOf({ command: ['x'] })).not.toHaveProperty('cmd');
  });

  it('environment variables, of which its own LOG_DIR wins', () => {
    expect(appOf({ env: { A: '1', B: '' } }).env).toEqual({
      LOG_DIR: '/var/log/app',
      A: '1',
      B: '',
    });
    expect(appOf({ env: { LOG_DIR: '/mine' } }).env).toEqual({ LOG_DIR: '/mine' });
  });

  it('the folder of the log files', () => {
    const { env, container } = appOf({ logs: '/srv/log' });
    expect(env).toEqual({ LOG_DIR: '/srv/log' });
    expect(container.volumes).toEqual([
      { containerPath: '/srv/log', hostPath: 'logs', mode: 'RW' },
    ]);
  });

  it('routes behind the address that is shown first', () => {
    const { labels } = appOf({ routes: ['shop.example.com/api', 'cart.example.com'] });
    expect(labels).toMatchObject({
      'ekiden.routes': 'shop-cart.apps.test,shop.example.com/api,cart.example.com',
    });
  });

  it('constraints, where the manifest names some', () => {
    const constraints = [['disk', 'CLUSTER', 'ssd']];
    expect(appOf({ constraints })).toMatchObject({ constraints });
    expect(appOf({})).not.toHaveProperty('constraints');
  });

  it('no route for a worker, whatever it asks for', () => {
    expect(appOf({ ports: [], routes: ['shop.example.com'] }).labels).not.toHaveProperty(
      'ekiden.routes',
    );
  });
});
