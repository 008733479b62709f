/** App definitions: defaults, translations, rules and changes. */
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/engine/api-error.ts';
import { normalizeApp } from '../../src/engine/app-definition.ts';
import { type AppInput, parseApp } from '../../src/engine/app-schema.ts';
import { ensureValidApp } from '../../src/engine/app-validation.ts';

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

const COMMAND_OR_IMAGE =
  "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";
const bridge = { networks: [{ mode: 'container/bridge' as const }] };
const image = { docker: { image: 'nginx' } };

const invalid: [string, AppInput, string][] = [
  ['/', { id: '/a' }, COMMAND_OR_IMAGE],
  ['/', { id: '/a', cmd: 'x', args: ['y'] }, COMMAND_OR_IMAGE],
  ['/id', { id: '/', cmd: 'x' }, 'must not be root'],
  [
    '/healthChecks(0)',
    { id: '/a', cmd: 'x', healthChecks: [{ portIndex: 1 }] },
    'Health check port indices must address an element of the ports array or container port mappings.',
  ],
  [
    '/healthChecks',
    { id: '/a', cmd: 'x', healthChecks: [{ protocol: 'MESOS_TCP' }, { protocol: 'MESOS_HTTP' }] },
    'AppDefinition can contain at most one Mesos health check',
  ],
  [
    '/healthChecks(0)/command',
    { id: '/a', cmd: 'x', healthChecks: [{ protocol: 'COMMAND' }] },
    'not defined',
  ],
  [
    '/portDefinitions',
    { id: '/a', cmd: 'x', portDefinitions: [{ name: 'a' }, { name: 'a' }] },
    'Port names must be unique.',
  ],
  ['/portDefinitions', { id: '/a', cmd: 'x', ports: [80, 80] }, 'Ports must be unique.'],
  [
    '/container/portMappings',
    { id: '/a', container: { ...image, portMappings: [{}] } },
    'portMappings are not allowed with host-networking',
  ],
  [
    '/readinessChecks(0)/portName',
    { id: '/a', cmd: 'x', readinessChecks: [{}] },
    'No port definition reference for portName http-api',
  ],
  [
    '/container/volumes(0)/hostPath',
    { id: '/a', container: { ...image, volumes: [{ containerPath: '/x', hostPath: '../x' }] } },
    'must not contain ..',
  ],
  [
    '/fetch',
    { id: '/a', cmd: 'x', uris: ['http://x/y'] },
    'this engine does not fetch files; put them into the image',
  ],
  [
    '/env/KEY',
    { id: '/a', cmd: 'x', env: { KEY: { secret: 's' } } },
    'Feature secrets is not enabled.',
  ],
];

describe('ensureValidApp', () => {
  it.each(invalid)('complains at %s about %j', (path, input, error) => {
    const app = normalizeApp({ ...input, id: input.id ?? '/web' });
    try {
      ensureValidApp(app);
    } catch (caught) {
      expect(caught).toBeInstanceOf(ApiError);
      const { body, status } = caught as ApiError;
      expect(status).toBe(422);
      expect(body['details']).toEqual([{ path, errors: [error] }]);
      return;
    }
    throw new Error('the app was taken');
  });

  it('names the allowed docker parameters', () => {
    const docker = { image: 'nginx', parameters: [{ key: 'network', value: 'host' }] };
    const app = normalizeApp({ id: '/a', container: { docker } });
    expect(() => ensureValidApp(app)).toThrow('Object is not valid');
  });

  it('takes a bridged app without a command', () => {
    expect(() =>
      ensureValidApp(normalizeApp({ id: '/a', ...bridge, container: image })),
    ).not.toThrow();
  });
});
