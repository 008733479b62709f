/** Settings: what must be there, what is refused and how, and what holds without a word. */
import { describe, expect, test } from 'vitest';
import {
  type Config,
  childEnvironment,
  readConfig,
  type SettingName,
  settings,
} from '../src/config.ts';
import { SetupError } from '../src/core/errors.ts';

const needed = {
  GITLAB_URL: 'https://gitlab.test',
  GITLAB_TOKEN: 'glpat-secret',
};

const read = (environment: Record<string, string | undefined> = {}) =>
  readConfig(undefined, { ...needed, ...environment });

function refusalOf(environment: Record<string, string | undefined>): SetupError {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof SetupError) return error;
    throw error;
  }
  throw new Error('the settings were taken');
}

test('a GitLab and a token are enough', () => {
  const { data, ...config } = read();
  expect(data).toMatch(/^\/.*ekiden$/);
  expect(config).toEqual({
    gitlabUrl: 'https://gitlab.test',
    gitlabToken: 'glpat-secret',
    gitlabCa: undefined,
    hookSecret: undefined,
    signingToken: undefined,
    listen: '0.0.0.0:7300',
    url: undefined,
    proxies: ['loopback'],
    install: 'ekiden',
    domain: 'localhost',
    nginxListen: '0.0.0.0:8000',
    nginxMode: 'auto',
    redisUrl: undefined,
    registryUrl: undefined,
    registryListen: '127.0.0.1:7305',
    marathonUrl: undefined,
    marathonToken: undefined,
    marathonCa: undefined,
    dataCentres: undefined,
    defaultDataCentres: undefined,
    balanceDataCentres: undefined,
    engineListen: '127.0.0.1:7308',
    engineImage: 'busybox:1.36',
    engineCredentials: undefined,
    engineCpus: undefined,
    engineMem: undefined,
    engineAttributes: '',
    drain: 5,
    maxInstances: 100,
    maxMemory: 65_536,
    nodeListen: '127.0.0.1:7309',
    nodeUrl: undefined,
    dockerHost: 'unix:///var/run/docker.sock',
    buildArgs: {},
    includeDepth: 16,
    includeFiles: 100,
    includeFileSize: 256,
    includeTotalSize: 1024,
    includeFrontends: ['dockerfile-x'],
    buildSlots: 2,
    buildLogMemory: 512,
    buildLogDays: 30,
    buildTimeout: 3600,
    archiveCache: 2048,
    archiveFormat: 'auto',
    archiveRate: 5,
    buildCache: undefined,
    buildCpus: undefined,
    buildFreeDisk: '2048',
    buildFreeMemory: 256,
    buildMemory: undefined,
    builder: 'auto',
    cleanAfter: 168,
    cleanEvery: 24,
    cleanKeep: 2,
    registryPassword: undefined,
    registryUser: undefined,
    templatesProject: undefined,
    deployDeadline: undefined,
    logLevel: 'info',
  });
});

test('all that is missing or wrong is said at once, with what each setting is for', () => {
  const error = refusalOf({
    GITLAB_URL: undefined,
    GITLAB_TOKEN: '',
    EKIDEN_BUILD_SLOTS: 'many',
  });
  expect(error.message).toContain('GITLAB_URL: is not set. Address of your GitLab.');
  expect(error.message).toContain('GITLAB_TOKEN: is not set.');
  expect(error.message).toContain('EKIDEN_BUILD_SLOTS:');
  expect(error.message).not.toContain('EKIDEN_HOOK_SECRET');
  expect(error).toMatchObject({ code: 'E_SETTINGS', hint: expect.stringContaining('README') });
});

test('a role asks only for the settings that it needs', () => {
  expect(readConfig(['logLevel', 'domain'], {})).toEqual({ logLevel: 'info', domain: 'localhost' });
});

describe('taken', () => {
  test.each([
    ['GITLAB_URL', 'https://gitlab.test/sub/', { gitlabUrl: 'https://gitlab.test/sub' }],
    ['EKIDEN_URL', 'http://10.0.0.1:7300//', { url: 'http://10.0.0.1:7300' }],
    ['EKIDEN_LISTEN', ':7300', { listen: '0.0.0.0:7300' }],
    ['EKIDEN_LISTEN', 'localhost:0', { listen: 'localhost:0' }],
    ['EKIDEN_LISTEN', '[::]:80', { listen: '[::]:80' }],
    ['EKIDEN_URL', 'https://ops.test/ekiden/', { url: 'https://ops.test/ekiden' }],
    ['EKIDEN_DOMAIN', 'apps.example-1.test', { domain: 'apps.example-1.test' }],
    ['DOCKER_HOST', 'tcp://10.0.0.1:2375', { dockerHost: 'tcp://10.0.0.1:2375' }],
    ['EKIDEN_PROXIES', 'none', { proxies: [] }],
    [
      'EKIDEN_PROXIES',
      'uniquelocal, 10.1.2.3,10.2.0.0/16,fd00::/8',
      { proxies: ['uniquelocal', '10.1.2.3', '10.2.0.0/16', 'fd00::/8'] },
    ],
    ['EKIDEN_MAX_INSTANCES', '7', { maxInstances: 7 }],
    ['EKIDEN_INCLUDE_FRONTENDS', 'x, y/z', { includeFrontends: ['x', 'y/z'] }],
    ['EKIDEN_INCLUDE_FRONTENDS', '', { includeFrontends: ['dockerfile-x'] }],
    [
      'EKIDEN_SIGNING_TOKEN',
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw==',
      { signingToken: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw==' },
    ],
    ['EKIDEN_INSTALL', 'demo-2', { install: 'demo-2' }],
    ['MARATHON_URL', 'http://m1:8080', { marathonUrl: ['http://m1:8080'] }],
    [
      'MARATHON_URL',
      'http://m1:8080/, https://m2/marathon/ ',
      { marathonUrl: ['http://m1:8080', 'https://m2/marathon'] },
    ],
    ['EKIDEN_BUILD_ARGS', 'A=1', { buildArgs: { A: '1' } }],
    [
      'EKIDEN_BUILD_ARGS',
      'A=r:5000/x@y,B=,C=a=b',
      { buildArgs: { A: 'r:5000/x@y', B: '', C: 'a=b' } },
    ],
    ['EKIDEN_BUILD_SLOTS', '8', { buildSlots: 8 }],
    ['EKIDEN_DRAIN', '0', { drain: 0 }],
    ['EKIDEN_DRAIN', '0.5', { drain: 0.5 }],
    ['EKIDEN_DEPLOY_DEADLINE', '20', { deployDeadline: 20 }],
    ['EKIDEN_DEPLOY_DEADLINE', '2147483', { deployDeadline: 2_147_483 }],
    ['EKIDEN_LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['EKIDEN_NGINX_MODE', 'file', { nginxMode: 'file' }],
  ] as [string, string, Partial<Config>][])('%s=%s', (name, text, wanted) => {
    expect(read({ [name]: text })).toMatchObject(wanted);
  });
});

describe('refused', () => {
  test.each([
    ['GITLAB_URL', 'gitlab.test'],
    ['GITLAB_URL', 'ftp://gitlab.test'],
    ['EKIDEN_LISTEN', '7300'],
    ['EKIDEN_LISTEN', 'localhost'],
    ['EKIDEN_LISTEN', 'a b:80'],
    ['EKIDEN_LISTEN', '::1:80'],
    ['EKIDEN_LISTEN', '0.0.0.0:65536'],
    ['EKIDEN_URL', 'https://ops.test/ekiden?x=1'],
    ['EKIDEN_PROXIES', '10.0.0.0/33'],
    ['EKIDEN_PROXIES', 'proxy.test'],
    ['EKIDEN_PROXIES', 'loopback,'],
    ['EKIDEN_MAX_INSTANCES', '0'],
    ['EKIDEN_MAX_MEMORY', '1GB'],
    ['EKIDEN_NODE_LISTEN', '7309'],
    ['GITLAB_CA', '/nowhere/ca.pem'],
    ['GITLAB_CA', 'package.json'],
    ['EKIDEN_ENGINE_CREDENTIALS_FILE', '/nowhere/login'],
    ['EKIDEN_ENGINE_CREDENTIALS_FILE', 'package.json'],
    ['DOCKER_HOST', 'ssh://build@host'],
    ['DOCKER_HOST', 'docker.sock'],
    ['EKIDEN_DOMAIN', 'apps..test'],
    ['EKIDEN_DOMAIN', 'apps-.test'],
    ['EKIDEN_DOMAIN', `${'x'.repeat(64)}.test`],
    ['EKIDEN_SIGNING_TOKEN', 'abc'],
    ['EKIDEN_SIGNING_TOKEN', 'whsec_abc'],
    ['REDIS_URL', 'http://redis'],
    ['REDIS_URL', 'localhost:6379'],
    ['REGISTRY_URL', 'http://registry/b'],
    ['REGISTRY_URL', 'registry:port'],
    ['EKIDEN_INSTALL', 'My Install'],
    ['EKIDEN_INSTALL', '-x'],
    ['EKIDEN_INSTALL', 'x'.repeat(60)],
    ['EKIDEN_DOMAIN', 'https://apps.test'],
    ['MARATHON_URL', 'marathon'],
    ['MARATHON_URL', 'http://m1:8080,,http://m2'],
    ['EKIDEN_BUILD_ARGS', 'A'],
    ['EKIDEN_BUILD_ARGS', '=x'],
    ['EKIDEN_BUILD_ARGS', 'A=1,'],
    ['EKIDEN_BUILD_ARGS', 'A=1 B=2'],
    ['EKIDEN_BUILD_SLOTS', '0'],
    ['EKIDEN_BUILD_SLOTS', '1.5'],
    ['EKIDEN_BUILD_TIMEOUT', '-1'],
    ['EKIDEN_BUILD_TIMEOUT', '2147484'],
    ['EKIDEN_DEPLOY_DEADLINE', '5m'],
    ['EKIDEN_DEPLOY_DEADLINE', '2147484'],
    ['EKIDEN_DRAIN', '-1'],
    ['EKIDEN_DRAIN', '2147484'],
    ['EKIDEN_LOG_LEVEL', 'loud'],
    ['EKIDEN_NGINX_MODE', 'lua'],
  ])('%s=%s', (name, text) => {
    expect(refusalOf({ [name]: text }).message).toContain(`${name}: `);
  });
});

test('a secret that is wrong is not repeated', () => {
  const error = refusalOf({ EKIDEN_SIGNING_TOKEN: 'my-own-secret' });
  expect(`${error.message} ${error.hint}`).not.toContain('my-own-secret');
});

test('every setting has a variable of its own and a sentence about it', () => {
  const all = Object.entries(settings);
  expect(new Set(all.map(([, { env }]) => env)).size).toBe(all.length);
  for (const [, { env, help }] of all) {
    expect(env).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(help).toMatch(/^[A-Z].*\.$/);
  }
});

test('what holds a token or a secret is marked as one', () => {
  const secrets = Object.entries(settings).filter(([, setting]) => 'secret' in setting);
  const names: SettingName[] = [
    ...([
      'gitlabToken',
      'hookSecret',
      'signingToken',
      'registryPassword',
      'marathonToken',
    ] as const),
  ];
  expect(secrets.map(([name]) => name)).toEqual(names);
});

test('a token that no header can hold is refused, and not repeated', () => {
  const refusal = () => read({ GITLAB_TOKEN: 'glpat-one\nglpat-two' });
  expect(refusal).toThrow(/GITLAB_TOKEN.*holds a character that no token has/s);
  expect(refusal).not.toThrow(/glpat/);
});

test('children get what every program needs, and no secret', () => {
  const child = childEnvironment({ ...needed, PATH: '/bin', REDIS_URL: 'redis://:pass@host' });
  expect(child).toMatchObject({ PATH: '/bin' });
  const values = Object.values(child).join();
  for (const value of [...Object.values(needed), 'pass']) expect(values).not.toContain(value);
});
