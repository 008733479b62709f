/** The manifest: defaults, what it may hold, and where an error is said to be. */
import { describe, expect, it } from 'vitest';
import { environmentsOf } from '../../src/build/environments.ts';
import { parseManifest } from '../../src/build/manifest.ts';

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
  build: { dockerfile: 'Dockerfile', context: '', args: {} },
  services: [web],
  deploy: {},
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
        deploy: { deadline: 120 },
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
      'too many instances',
      'services:\n  web:\n    instances: 10000\n',
      /:3: services\.web\.instances: .*500/,
    ],
    ['a terabyte', 'services:\n  web:\n    mem: 1048576\n', /:3: services\.web\.mem: .*262144/],
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
      'a bad duration',
      'deploy:\n  deadline: soon\n',
      /:2: deploy\.deadline: must be like 20s, 5m or 1h/,
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
  ])('refuses %s with its line', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

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
