/** The rules that app definitions must keep, and where a definition says the same twice. */
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/engine/api/api-error.ts';
import { normalizeApp } from '../../src/engine/apps/app-definition.ts';
import { type AppInput, parseApp } from '../../src/engine/apps/app-schema.ts';
import { ensureValidApp } from '../../src/engine/apps/app-validation.ts';
import { contradictions } from '../../src/engine/apps/deprecated-fields.ts';

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
    '/',
    { id: '/a', cmd: 'x', healthChecks: [{ protocol: 'MESOS_TCP' }, { protocol: 'MESOS_HTTP' }] },
    'AppDefinition can contain at most one Mesos health check',
  ],
  [
    '/healthChecks(0)/command',
    { id: '/a', cmd: 'x', healthChecks: [{ protocol: 'COMMAND' }] },
    'not defined',
  ],
  [
    '/healthChecks(0)',
    {
      id: '/a',
      container: image,
      healthChecks: [
        { protocol: 'TCP', ipProtocol: 'IPv6' },
        { protocol: 'MESOS_TCP', ipProtocol: 'IPv6' },
      ],
    },
    'IPv6 can only be used for container type DOCKER and Mesos http/https/tcp health checks',
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
    '/fetch(0)/uri',
    { id: '/a', cmd: 'x', uris: ['hdfs://x/y'] },
    'this engine fetches http, https and file addresses only',
  ],
  [
    '/instances',
    { id: '/a', cmd: 'x', instances: 2, labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' } },
    'got 2, expected 1 or less',
  ],
  [
    '/dependencies(1)',
    { id: '/a', cmd: 'x', dependencies: ['b', 'B c'] },
    expect.stringContaining('must fully match regular expression'),
  ],
  [
    '/dependencies',
    { id: '/a', cmd: 'x', dependencies: ['a'] },
    'Dependency graph has cyclic dependencies.',
  ],
  ['/env/', { id: '/a', cmd: 'x', env: { '': '1', B: '2' } }, 'must not be empty'],
  ['/env/A=B', { id: '/a', cmd: 'x', env: { 'A=B': '1' } }, 'must not contain ='],
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

  it.each([
    [
      '/uris',
      { uris: ['http://x/a'], fetch: [{ uri: 'http://x/a' }] },
      'may not be set in conjunction with fetch',
    ],
    ['/', { ports: [1, 1] }, 'ports must be unique'],
    [
      '/',
      { ports: [1], portDefinitions: [{ port: 2 }] },
      'cannot specify both ports and port definitions',
    ],
    ['/', { ipAddress: {}, ports: [1] }, 'cannot specify both an IP address and port'],
    ['/', { ipAddress: {}, ...bridge }, 'must not specify both networks and ipAddress'],
    [
      '/container/docker/network',
      { container: { docker: { image: 'x', network: 'NONE' as const } } },
      'unsupported docker network type NONE',
    ],
    [
      '/',
      { ...bridge, container: { docker: { image: 'x', network: 'BRIDGE' as const } } },
      'must not specify both container.docker.network and networks',
    ],
    [
      '/container',
      { container: { portMappings: [{}], docker: { image: 'x', portMappings: [{}] } } },
      'cannot specify both portMappings and docker.portMappings',
    ],
  ])('finds at %s what %j says twice', (path, input, error) => {
    expect(contradictions(input)).toEqual([{ path, errors: [error] }]);
  });

  it('lets both ways say the same', () => {
    expect(contradictions({ ports: [1, 0, 0], portDefinitions: [{ port: 1 }, {}, {}] })).toEqual(
      [],
    );
  });

  it('names the allowed docker parameters', () => {
    const docker = { image: 'nginx', parameters: [{ key: 'network', value: 'host' }] };
    const app = normalizeApp({ id: '/a', container: { docker } });
    expect(() => ensureValidApp(app)).toThrow('Object is not valid');
  });

  it.each(['MESOS_HTTP', 'MESOS_HTTPS', 'MESOS_TCP'] as const)(
    'lets %s ask for a port that is not there, as Marathon does',
    (protocol) => {
      for (const healthCheck of [{ protocol }, { protocol, portIndex: 7 }]) {
        const app = normalizeApp({ id: '/a', cmd: 'x', ports: [], healthChecks: [healthCheck] });
        expect(() => ensureValidApp(app)).not.toThrow();
      }
    },
  );

  it.each(['backoffSeconds', 'maxLaunchDelaySeconds'])(
    'takes no %s that no timer can wait',
    (key) => {
      expect(() => parseApp({ id: '/a', cmd: 'x', [key]: 2_147_484 })).toThrow();
      expect(() => parseApp({ id: '/a', cmd: 'x', [key]: 2_147_483 })).not.toThrow();
    },
  );

  it('takes a bridged app without a command', () => {
    expect(() =>
      ensureValidApp(normalizeApp({ id: '/a', ...bridge, container: image })),
    ).not.toThrow();
  });
});
