/** App definitions: how they are read, and the full form that they are brought into. */
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/engine/api/api-error.ts';
import { type App, normalizeApp } from '../../src/engine/apps/app-definition.ts';
import { type AppInput, parseApp } from '../../src/engine/apps/app-schema.ts';

describe('normalizeApp', () => {
  it('fills in every default and leaves empty lists out', () => {
    const input = { id: 'web', cmd: 'sleep 1', args: [], env: {}, healthChecks: [], fetch: [] };
    expect(normalizeApp(input)).toEqual({
      id: '/web',
      cmd: 'sleep 1',
      instances: 1,
      cpus: 1,
      mem: 128,
      disk: 0,
      gpus: 0,
      executor: '',
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 0, protocol: 'tcp', name: 'default' }],
      requirePorts: false,
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 300,
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      labels: {},
      killSelection: 'YOUNGEST_FIRST',
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      role: '*',
    });
  });

  it('fills in a bridged container, its mappings and its checks', () => {
    const app = normalizeApp({
      id: '/web',
      role: '',
      networks: [{ mode: 'container/bridge' }],
      container: { docker: { image: 'nginx' }, portMappings: [{ containerPort: 80 }] },
      healthChecks: [{}],
    });
    expect(app.role).toBe('*');
    expect(app.portDefinitions).toBeUndefined();
    expect(app.container).toEqual({
      type: 'DOCKER',
      docker: { image: 'nginx', forcePullImage: false, privileged: false, parameters: [] },
      volumes: [],
      portMappings: [
        { containerPort: 80, hostPort: 0, servicePort: 0, protocol: 'tcp', labels: {} },
      ],
    });
    expect(app.healthChecks).toEqual([
      {
        protocol: 'HTTP',
        path: '/',
        portIndex: 0,
        gracePeriodSeconds: 300,
        intervalSeconds: 60,
        timeoutSeconds: 20,
        maxConsecutiveFailures: 3,
        delaySeconds: 15,
        ignoreHttp1xx: false,
        ipProtocol: 'IPv4',
      },
    ]);
  });

  it('translates the deprecated fields and never keeps them', () => {
    const app = normalizeApp({
      id: '/web',
      container: {
        docker: { image: 'nginx', network: 'BRIDGE', portMappings: [{ containerPort: 80 }] },
      },
    });
    expect(app.networks).toEqual([{ mode: 'container/bridge' }]);
    expect(app.container?.portMappings?.[0]?.containerPort).toBe(80);
    expect(Object.keys(app.container?.docker ?? {})).not.toContain('network');
    const onHost = normalizeApp({ id: '/web', cmd: 'x', ports: [8080, 0] });
    expect(onHost.portDefinitions).toEqual([
      { port: 8080, protocol: 'tcp' },
      { port: 0, protocol: 'tcp' },
    ]);
  });

  it.each<[AppInput, App['networks']]>([
    [{ networks: [{ name: 'net', labels: {} }] }, [{ mode: 'container', name: 'net' }]],
    [
      { networks: [{ name: 'net', labels: { a: 'b' } }] },
      [{ mode: 'container', name: 'net', labels: { a: 'b' } }],
    ],
    [
      { ipAddress: { networkName: 'net', labels: { a: 'b' } } },
      [{ mode: 'container', name: 'net', labels: { a: 'b' } }],
    ],
    [
      { ipAddress: { networkName: 'net' }, container: { docker: { image: 'x', network: 'USER' } } },
      [{ mode: 'container', name: 'net' }],
    ],
    [
      { ipAddress: {}, container: { docker: { image: 'x', network: 'BRIDGE' } } },
      [{ mode: 'container/bridge' }],
    ],
    [{ ipAddress: {}, container: { docker: { image: 'x', network: 'HOST' } } }, [{ mode: 'host' }]],
  ])('reads the networks of %j', (input, networks) => {
    expect(normalizeApp({ ...input, id: '/web' }).networks).toEqual(networks);
  });

  it('leaves out the ports of another network where the deprecated fields name the network', () => {
    const { portDefinitions } = normalizeApp({
      id: '/web',
      portDefinitions: [{ port: 10_000 }],
      container: { docker: { image: 'nginx', network: 'BRIDGE', portMappings: [{}] } },
    });
    expect(portDefinitions).toBeUndefined();
    const { container } = normalizeApp({
      id: '/web',
      container: { docker: { image: 'nginx', network: 'HOST', portMappings: [{}] } },
    });
    expect(container?.portMappings).toBeUndefined();
  });

  it('keeps what is a set once, and names dependencies from the group of the app', () => {
    const app = normalizeApp({
      id: '/shop/web',
      cmd: 'x',
      dependencies: ['db', '/shop/db', '../cache', '/'],
      acceptedResourceRoles: ['*', '*'],
      constraints: [
        ['hostname', 'UNIQUE'],
        ['hostname', 'UNIQUE'],
        ['hostname', 'MAX_PER', '1'],
      ],
      healthChecks: [{}, { protocol: 'HTTP' }, { path: '/x' }],
      readinessChecks: [{ httpStatusCodesForReady: [200, 200, 204] }],
    });
    expect(app.dependencies).toEqual(['/shop/db', '/cache', '/']);
    expect(app.acceptedResourceRoles).toEqual(['*']);
    expect(app.constraints).toEqual([
      ['hostname', 'UNIQUE'],
      ['hostname', 'MAX_PER', '1'],
    ]);
    expect(app.healthChecks?.map(({ path }) => path)).toEqual(['/', '/x']);
    expect(app.readinessChecks?.[0]?.httpStatusCodesForReady).toEqual([200, 204]);
  });

  it("keeps what only Mesos does something by, with Mesos' defaults", () => {
    const input = parseApp({ id: '/a', cmd: 'x', check: { tcp: {} }, executorResources: {} });
    expect(normalizeApp({ ...input, id: '/a' })).toMatchObject({
      check: { tcp: {}, intervalSeconds: 60, timeoutSeconds: 20, delaySeconds: 15 },
      executorResources: { cpus: 0.1, mem: 32, disk: 10 },
    });
  });

  it('holds an app that must be alone to one instance at a time', () => {
    const labels = { MARATHON_SINGLE_INSTANCE_APP: 'true' };
    const { upgradeStrategy } = normalizeApp({ id: '/web', cmd: 'x', labels });
    expect(upgradeStrategy).toEqual({ minimumHealthCapacity: 0, maximumOverCapacity: 0 });
  });
});

describe('parseApp', () => {
  const refused = (body: unknown) => {
    try {
      parseApp(body);
    } catch (error) {
      return error instanceof ApiError ? { status: error.status, ...error.body } : error;
    }
    return undefined;
  };

  it('drops what it does not know and takes null for missing', () => {
    expect(parseApp({ id: '/web', cmd: null, ipAddress: null, unknown: 1 })).toEqual({
      id: '/web',
    });
  });

  it.each([
    [{ id: 1 }, '/id', 'error.expected.jsstring'],
    [{ id: '/a', instances: 'two' }, '/instances', 'error.expected.jsnumber'],
    [
      { id: '/a', healthChecks: [{ protocol: 'FTP' }] },
      '/healthChecks(0)/protocol',
      'error.unknown.enum.literal',
    ],
    [{ id: '/a', env: { KEY: 1 } }, '/env/KEY', 'error.expected.jsstring'],
    [{ id: '/a', env: { KEY: { secret: 1 } } }, '/env/KEY/secret', 'error.expected.jsstring'],
    [
      { id: '/a', unreachableStrategy: { inactiveAfterSeconds: '1' } },
      '/unreachableStrategy/inactiveAfterSeconds',
      'error.expected.jsnumber',
    ],
    [{ id: '/a', unreachableStrategy: 1 }, '/unreachableStrategy', 'error.unknown.enum.literal'],
    [{ id: '/a', container: { docker: {} } }, '/container/docker/image', 'error.path.missing'],
    [
      { id: '/a', upgradeStrategy: { maximumOverCapacity: 1 } },
      '/upgradeStrategy/minimumHealthCapacity',
      'error.path.missing',
    ],
  ])('refuses %j at %s', (body, path, error) => {
    expect(refused(body)).toEqual({
      status: 422,
      message: 'Invalid JSON',
      details: [{ path, errors: [error] }],
    });
  });

  it('says how far a number is out of its range', () => {
    const body = {
      id: '/a',
      upgradeStrategy: { minimumHealthCapacity: 1.1, maximumOverCapacity: 1 },
    };
    expect(refused(body)).toEqual({
      status: 422,
      message: 'Object is not valid',
      details: [{ path: '/upgradeStrategy/minimumHealthCapacity', errors: ['is greater than 1'] }],
    });
  });
});
