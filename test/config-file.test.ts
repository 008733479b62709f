/** Settings from ekiden.config.yaml: what is read, which source wins, and where each problem is said to be. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Config, readConfig, readRemote, readSettings } from '../src/config.ts';

const needed = 'gitlabUrl: https://gitlab.test\ngitlabToken: glpat-secret\n';

/** A file with this text; answers the environment that names it. */
function write(text: string, mode = 0o600): { EKIDEN_CONFIG: string } {
  const folder = mkdtempSync(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'ekiden.config.yaml');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return { EKIDEN_CONFIG: path };
}

const read = (text: string, environment = {}) =>
  readConfig(undefined, { ...write(needed + text), ...environment });

/** Each problem, without the folder of the file. */
function problemsOf(text: string, environment: Record<string, string> = {}): string[] {
  const given = { ...write(text), ...environment };
  return readSettings(undefined, given).problems.map((problem) =>
    problem.replace(/^.*ekiden\.config\.yaml/, 'ekiden.config.yaml'),
  );
}

describe('taken', () => {
  test.each([
    ['url: https://ops.test/ekiden/', { url: 'https://ops.test/ekiden' }],
    ['drain: 0.50', { drain: 0.5 }],
    ['buildSlots: 4', { buildSlots: 4 }],
    ['gitlabToken: 007', { gitlabToken: '007' }],
    ['engineImage: 1.20', { engineImage: '1.20' }],
    ['marathonUrl: http://m1, http://m2', { marathonUrl: ['http://m1', 'http://m2'] }],
    ['marathonUrl: [http://m1:8080/, http://m2]', { marathonUrl: ['http://m1:8080', 'http://m2'] }],
    ['marathonUrl:\n  - http://m1', { marathonUrl: ['http://m1'] }],
    ['buildArgs: A=1,B=2', { buildArgs: { A: '1', B: '2' } }],
    ['buildArgs: {A: 1.20, B: "a, b"}', { buildArgs: { A: '1.20', B: 'a, b' } }],
    ['proxies: [10.0.0.0/8, loopback]', { proxies: ['10.0.0.0/8', 'loopback'] }],
    ['url:', { url: undefined }],
    ['# a comment alone', {}],
  ] as [string, Partial<Config>][])('%s', (text, wanted) => {
    const all = text.startsWith('gitlabToken')
      ? `gitlabUrl: https://gitlab.test\n${text}`
      : undefined;
    const config = all ? readConfig(undefined, write(all)) : read(text);
    expect(config).toMatchObject(wanted);
  });
});

test('the environment wins, an empty variable does not, and each value has its source', () => {
  const text = `${needed}listen: :1000\nnginxListen: :2000\ndomain: apps.test\n`;
  const { found, problems } = readSettings(undefined, {
    ...write(text),
    EKIDEN_LISTEN: ':3000',
    EKIDEN_DOMAIN: '',
  });
  expect(problems).toEqual([]);
  expect(found.listen).toMatchObject({ value: '0.0.0.0:3000', source: 'environment' });
  expect(found.nginxListen).toMatchObject({ value: '0.0.0.0:2000' });
  expect(found.nginxListen.source).toMatch(/ekiden\.config\.yaml:4$/);
  expect(found.domain.value).toBe('apps.test');
  expect(found.drain).toEqual({ given: undefined, source: 'default', value: 5 });
});

test('all problems are named at once, each with its place', () => {
  const text =
    'gitlabURL: https://gitlab.test\n\nlisten: [a, b]\nbuildSlots: many\nlogLevel: loud\n';
  expect(problemsOf(text, { EKIDEN_DRAIN: '-1', EKIDEN_DOMIAN: 'x' })).toEqual([
    'EKIDEN_DOMIAN: is no setting; the nearest is EKIDEN_DOMAIN.',
    'ekiden.config.yaml:1: gitlabURL is no setting; the nearest is gitlabUrl.',
    'GITLAB_URL: is not set. Address of your GitLab.',
    'GITLAB_TOKEN: is not set. Token of the bot user, scope api.',
    'ekiden.config.yaml:3: listen is to be one value, and no list or map. Where Ekiden listens.',
    expect.stringMatching(/^EKIDEN_DRAIN: is below 0\. Seconds/),
    expect.stringMatching(/^ekiden\.config\.yaml:4: buildSlots is no whole number from 1 to 64\. /),
    expect.stringMatching(/^ekiden\.config\.yaml:5: logLevel Invalid option/),
  ]);
});

describe('the nearest setting', () => {
  test.each([
    ['GITLAB_URL', 'gitlabUrl'],
    ['gitlab_url', 'gitlabUrl'],
    ['EKIDEN_NGINX_MODE', 'nginxMode'],
    ['token', 'gitlabToken'],
    ['redis', 'redisUrl'],
    ['listn', 'listen'],
    ['max-instances', 'maxInstances'],
  ])('%s', (key, nearest) => {
    const [problem] = problemsOf(`${needed}${key}: x`);
    expect(problem).toBe(`ekiden.config.yaml:3: ${key} is no setting; the nearest is ${nearest}.`);
  });

  test.each([
    ['EKIDEN_LOGLEVEL', 'EKIDEN_LOG_LEVEL'],
    ['EKIDEN_GITLAB_TOKEN', 'GITLAB_TOKEN'],
    ['EKIDEN_REDIS_URL', 'REDIS_URL'],
    ['EKIDEN_PORT', 'EKIDEN_URL'],
  ])('%s', (name, nearest) => {
    const problems = problemsOf(needed, { [name]: 'x' });
    expect(problems).toEqual([expect.stringContaining(`${name}: is no setting; the nearest is `)]);
    if (name !== 'EKIDEN_PORT') expect(problems[0]).toContain(nearest);
  });
});

test('what the command line, tests, Kubernetes and Docker put there is left alone', () => {
  const others = {
    EKIDEN_TOKEN: 'glpat-mine',
    EKIDEN_TEST_DATA: '/tmp',
    EKIDEN_SERVICE_HOST: '10.0.0.1',
    EKIDEN_SERVICE_PORT: '80',
    EKIDEN_WEB_SERVICE_PORT_HTTP: '80',
    EKIDEN_PORT: 'tcp://10.0.0.1:80',
    EKIDEN_PORT_80_TCP: 'tcp://10.0.0.1:80',
    EKIDEN_WEB_PORT_80_TCP_ADDR: '10.0.0.1',
  };
  expect(problemsOf(needed, others)).toEqual([]);
});

describe('a file that cannot be used says so, and no value', () => {
  test.each([
    ['gitlabToken: [glpat-secret', /^ekiden\.config\.yaml:1: is no YAML: /],
    ['a: 1\ngitlabToken: |glpat-secret', /^ekiden\.config\.yaml:2: is no YAML: /],
    ['gitlabToken: *glpat-secret', /^ekiden\.config\.yaml:1: cannot be read: Unresolved alias/],
    ['drain: 1\ndrain: 2', /^ekiden\.config\.yaml:2: is no YAML: Map keys must be unique\.$/],
    ['- glpat-secret', /^ekiden\.config\.yaml:1: is no list of settings/],
    ['glpat-secret', /^ekiden\.config\.yaml:1: is no list of settings/],
    ['x'.repeat(1024 * 1024 + 1), /^ekiden\.config\.yaml: cannot be read: it is larger than 1 MiB/],
  ])('%#: %.30j', (text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toContainEqual(expect.stringMatching(problem));
    expect(problems.join()).not.toContain('glpat-secret');
  });

  test('one that is named and is not there', () => {
    const named = { EKIDEN_CONFIG: '/nowhere/ekiden.config.yaml' };
    const { problems } = readSettings([], named);
    expect(problems).toEqual([
      expect.stringContaining('/nowhere/ekiden.config.yaml: cannot be read: ENOENT'),
    ]);
  });
});

test('a secret that others can read is noticed', () => {
  const warningsOf = (text: string, mode: number) =>
    readSettings(undefined, write(text, mode)).warnings;
  const warning = [
    expect.stringMatching(/holds a secret, and others can read it\. Run: chmod 600 \//),
  ];
  expect(warningsOf(needed, 0o600)).toEqual([]);
  expect(warningsOf(needed, 0o640)).toEqual(warning);
  expect(warningsOf(needed, 0o604)).toEqual(warning);
  expect(warningsOf('domain: apps.test', 0o644)).toEqual([]);
});

describe('a usual file that is for other users', () => {
  /** Becomes a user who may not read the file of the folder that it is in. */
  function forbid(): { EKIDEN_CONFIG: string } {
    const named = write(needed, 0o000);
    const [home, user] = [process.cwd(), process.geteuid?.()];
    process.chdir(dirname(named.EKIDEN_CONFIG));
    chmodSync('.', 0o711);
    if (user === 0) process.seteuid?.(65_534);
    onTestFinished(() => {
      if (user === 0) process.seteuid?.(user);
      process.chdir(home);
    });
    return named;
  }
  const remote = { EKIDEN_URL: 'http://ops.test', EKIDEN_TOKEN: 'glpat-mine' };
  const refused = /ekiden\.config\.yaml: cannot be read: EACCES/;

  test('does not stop who asks an Ekiden elsewhere', () => {
    forbid();
    expect(readRemote(remote)).toEqual({ url: 'http://ops.test', token: 'glpat-mine' });
  });

  test('stops them where they name it', () => {
    const named = forbid();
    expect(() => readRemote({ ...remote, ...named })).toThrow(refused);
  });

  test('stops a role', () => {
    forbid();
    expect(() => readConfig(['listen'], {})).toThrow(refused);
  });
});
