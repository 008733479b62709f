/** The manifest: defaults, what it may hold, and where an error is said to be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentsOf } from '../../src/build/environments.ts';
import { parseManifest } from '../../src/build/manifest.ts';
import { InputError } from '../../src/core/errors.ts';
import { sampleDeploy } from '../support/samples.ts';

const parse = (text?: string) => parseManifest(text === undefined ? undefined : Buffer.from(text));
const health = { interval: 5, timeout: 5, grace: 30, failures: 3 };
const web = {
  name: 'web',
  cpus: 0.1,
  mem: 256,
  instances: 1,
  health,
  env: {},
  logs: '/var/log/app',
  routes: [],
};
const defaults = {
  build: { dockerfile: 'Dockerfile', context: '', args: {}, secrets: {} },
  services: [web],
  deploy: sampleDeploy,
  jobs: [],
};

describe('parseManifest', () => {
  it.each([
    ['no file', undefined, defaults],
    ['an empty file', '', defaults],
    ['only a comment', '# nothing yet\n', defaults],
    [
      'everything',
      `build: { dockerfile: ./docker/app.dockerfile, context: services/web/, args: { A: 1, B: yes }, target: run }
environments:
  production: main
  staging: [develop, release/*]
  stable: { tags: v* }
services:
  web:
    command: node server.js
    cpus: 0.5
    mem: 64
    instances: 2
    ports: [8080, 9090]
    health: { path: /health, interval: 2s, grace: 1m }
    env: { GREETING: hello, WORKERS: 4 }
    logs: /logs
    routes: [shop.example.com/api]
  worker: { health: false, ports: auto, command: [node, worker.js] }
deploy: { deadline: 2m }
`,
      {
        build: {
          dockerfile: 'docker/app.dockerfile',
          context: 'services/web',
          args: { A: '1', B: 'yes' },
          target: 'run',
          secrets: {},
        },
        environments: [
          { name: 'production', branches: ['main'], tags: [] },
          { name: 'staging', branches: ['develop', 'release/*'], tags: [] },
          { name: 'stable', branches: [], tags: ['v*'] },
        ],
        services: [
          {
            name: 'web',
            command: 'node server.js',
            cpus: 0.5,
            mem: 64,
            instances: 2,
            ports: [8080, 9090],
            health: { ...health, path: '/health', interval: 2, grace: 60 },
            env: { GREETING: 'hello', WORKERS: '4' },
            logs: '/logs',
            routes: ['shop.example.com/api'],
          },
          { ...web, name: 'worker', health: false, ports: 'auto', command: ['node', 'worker.js'] },
        ],
        deploy: { ...sampleDeploy, deadline: 120 },
        jobs: [],
      },
    ],
  ])('understands %s', (_, text, wanted) => {
    expect(parse(text)).toEqual(wanted);
  });

  it.each([
    ['broken YAML', 'build: [\n', /^\.ekiden\.yml:2: /],
    ['no mapping', 'hello\n', /^\.ekiden\.yml:1: the file: .*expected object/],
    [
      'an unknown key',
      'build: {}\nservces: {}\n',
      /:1: the file has the unknown key servces; allowed are build, environments, services, deploy/,
    ],
    [
      'an unknown key below',
      'services:\n  web:\n    memory: 4\n',
      /:2: services\.web has the unknown key memory; allowed are command, cpus, mem,/,
    ],
    [
      'a bad port',
      'services:\n  web:\n    ports: [70000]\n',
      /:3: services\.web\.ports\.0: .*65535/,
    ],
    [
      'ports of no kind',
      'services:\n  web:\n    ports: some\n',
      /:3: services\.web\.ports fits none of what is allowed/,
    ],
    [
      'a key that is not there',
      'build: {}\ninclude:\n  allow: shop/*\n',
      /^\.ekiden\.yml:2: include\.paths is missing\.$/,
    ],
    [
      'a bad duration',
      'deploy:\n  deadline: soon\n',
      /:2: deploy\.deadline: must be like 20s, 5m or 1h/,
    ],
    [
      'a duration that no timer can wait',
      'deploy:\n  deadline: 999h\n',
      /:2: deploy\.deadline: must be at most 24h/,
    ],
    [
      'a path outside',
      'build:\n  dockerfile: ../Dockerfile\n',
      /:2: build\.dockerfile: must stay inside/,
    ],
    [
      'a hostile route',
      'services:\n  web:\n    routes: ["a;b"]\n',
      /:3: services\.web\.routes\.0: must be host/,
    ],
    [
      'the second route of a list',
      'services:\n  web:\n    routes:\n      - a.test\n      - a..b//c\n',
      /:5: services\.web\.routes\.1: must be host/,
    ],
    [
      'a host that is read as a number',
      'services:\n  web:\n    routes: [app.1]\n',
      /:3: services\.web\.routes\.0: must be host/,
    ],
    [
      'a folder of logs that is relative',
      'services:\n  web:\n    logs: log\n',
      /:3: services\.web\.logs: must begin with \/\./,
    ],
  ])('refuses %s with its line', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

const quoted = (value: string) => `a value that begins with * must be quoted, such as "${value}".`;
const deep = 'it is nested more than 50 levels deep.';

describe('paths of the repository', () => {
  it.each([
    ['web/Dockerfile', 'web/Dockerfile'],
    ['./web/./Dockerfile', 'web/Dockerfile'],
    ['/web//Dockerfile', 'web/Dockerfile'],
    ['.//./web/', 'web'],
    ['web/.', 'web'],
    ['..a/.b./...', '..a/.b./...'],
    ['./', ''],
    ['.', ''],
  ])('%s is %j', (written, meant) => {
    const { dockerfile, context } = parse(
      `build: { dockerfile: ${written}, context: ${written} }`,
    ).build;
    expect([dockerfile, context]).toEqual([meant, meant]);
  });

  it.each(['..', 'a/../b', './../a', 'a//..'])('%s is refused', (written) => {
    const text = `build: { context: ${written} }`;
    expect(() => parse(text)).toThrow(/must stay inside the repository/);
  });
});

describe('YAML that is none, or a trap', () => {
  it.each([
    ['a glob', 'environments:\n  live: main\n  preview: *-fix\n', `:3: ${quoted('*-fix')}`],
    ['a glob in a list', 'environments:\n  a: [main,\n    *x]\n', `:3: ${quoted('*x')}`],
    ['two stars', 'environments:\n  a: **\n', `:2: ${quoted('**')}`],
    ['one star', 'environments:\n  a: *\n', `:2: ${quoted('*-fix')}`],
    ['a glob as key', '*-fix: main\n', `:1: ${quoted('*-fix')}`],
    ['an anchor that comes later', 'a: *b\nc: &b 1\n', `:1: ${quoted('*b')}`],
    ['nested aliases', billionLaughs(), ':1: it uses aliases too often; write the values out.'],
    ['a mebibyte of them', billionLaughs(1_000), ':1: it is larger than 64 KiB.'],
    ['a huge file', '#'.repeat(65_537), ':1: it is larger than 64 KiB.'],
    ['several documents', 'build: {}\n---\n---\n', ':2: it holds several documents; one is read.'],
    ['tabs', 'build:\n\tcontext: a\n', ':2: Tabs are not allowed as indentation.'],
    ['a key twice', 'build: {}\nbuild: {}\n', ':2: Map keys must be unique.'],
    ['lists in lists', `build: ${'['.repeat(60_000)}`, `:1: ${deep}`],
    ['maps in maps', `build:\n ${'{a: '.repeat(10_000)}`, `:2: ${deep}`],
    ['dashes', '- '.repeat(30_000), `:1: ${deep}`],
    ['a prototype', 'build: {}\n__proto__: {}\n', ':2: the key __proto__ is not allowed.'],
    [
      'a prototype below',
      'services:\n  web:\n    env:\n      __proto__: x\n',
      ':4: the key __proto__ is not allowed.',
    ],
    ['a key of every object', 'constructor: {}\n', /^\.ekiden\.yml:1: .* unknown key constructor;/],
  ])('%s', (_, text, message) => {
    const wanted = typeof message === 'string' ? `.ekiden.yml${message}` : message;
    expect(() => parse(text)).toThrow(InputError);
    expect(() => parse(text)).toThrow(wanted);
  });

  it.each([
    ['a byte order mark', '\ufeffbuild: {}\n'],
    ['a mark of the beginning and the end', '---\nbuild: {}\n...\n'],
    ['lines as Windows ends them', 'build: {}\r\nservices: { web: {} }\r\n'],
    ['a tab behind a colon', 'build:\t{}\n'],
  ])('%s is none', (_, text) => {
    expect(parse(text)).toEqual(defaults);
  });

  it('aliases of anchors are followed', () => {
    const text = 'environments: { a: &globs [main, "x/*"], b: *globs }';
    const branches = ['main', 'x/*'];
    expect(parse(text).environments).toEqual([
      { name: 'a', branches, tags: [] },
      { name: 'b', branches, tags: [] },
    ]);
  });

  it('says little of a key that is long', () => {
    const text = `${'k'.repeat(1_000)}: 1`;
    expect(() => parse(text)).toThrow(/^.{100,600}$/s);
  });

  it('whatever the bytes are, an InputError or a manifest comes of them', () => {
    const unit = fc.constantFrom(...'*&!|>-?:,[]{}#"\'%@`\n\t \\aA1~<');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what an administrator allows', () => {
  const limits = { instances: 100, memory: 65_536 };
  const within = (text: string) => parseManifest(Buffer.from(text), limits);
  it.each([
    [
      'services:\n  web:\n    instances: 10000\n',
      '.ekiden.yml:3: services.web.instances: 10000 is above 100, the most that EKIDEN_MAX_INSTANCES allows here.',
    ],
    [
      'services:\n  web: {}\n  rpc:\n    mem: 1048576\n',
      '.ekiden.yml:4: services.rpc.mem: 1048576 is above 65536, the most that EKIDEN_MAX_MEMORY allows here.',
    ],
  ])('is said with its place: %s', (text, message) => {
    expect(() => within(text)).toThrow(message);
    expect(() => parse(text)).not.toThrow();
  });

  it('is itself allowed', () => {
    expect(() => within('services: { web: { instances: 100, mem: 65536 } }')).not.toThrow();
  });
});

/** A list in which each line holds the one before nine times. */
function billionLaughs(lines = 30): string {
  const line = (_: unknown, n: number) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`)}]`;
  return ['a0: &a0 [x]', ...Array.from({ length: lines }, line)].join('\n').padEnd(lines * 1_024);
}

describe('environmentsOf', () => {
  const rules = parse('environments: { production: [main, hotfix/*], stable: { tags: v*.*-ok } }');
  it.each([
    { manifest: rules, ref: 'refs/heads/main', wanted: ['production'] },
    { manifest: rules, ref: 'refs/heads/hotfix/1', wanted: ['production'] },
    { manifest: rules, ref: 'refs/heads/hotfix', wanted: [] },
    { manifest: rules, ref: 'refs/tags/v1.2-ok', wanted: ['stable'] },
    { manifest: rules, ref: 'refs/tags/v1-ok', wanted: [] },
    { manifest: rules, ref: 'refs/tags/main', wanted: [] },
    { manifest: parse(), ref: 'refs/heads/main', wanted: ['production'] },
    { manifest: parse(), ref: 'refs/heads/other', wanted: [] },
    { manifest: parse(), ref: 'refs/tags/main', wanted: [] },
  ])('sends $ref to $wanted', ({ manifest, ref, wanted }) => {
    expect(environmentsOf(manifest, ref, 'main')).toEqual(wanted);
  });
});
