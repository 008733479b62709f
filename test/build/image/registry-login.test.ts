/** Logins for base images: which are given to Docker, and what a private registry says to them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openContext } from '../../../src/build/context/context.ts';
import { namedImages } from '../../../src/build/dockerfile/index.ts';
import { buildImage } from '../../../src/build/image/image.ts';
import { StepError } from '../../../src/build/image/progress.ts';
import {
  encodeLogins,
  explainRefusal,
  loginsFor,
  registryOf,
} from '../../../src/build/image/registry-login.ts';
import { childEnvironment } from '../../../src/config.ts';
import { silent } from '../../../src/core/log.ts';
import { type Child, keepChild } from '../../../src/embedded/child.ts';
import { archiveOf, type BuildHost, freePort, startBuildHost } from '../registry.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('namedImages', () => {
  it.each([
    [
      'each FROM',
      'FROM a.test/x:1\nFROM --platform=linux/amd64 b.test/y AS z',
      {},
      ['a.test/x:1', 'b.test/y'],
    ],
    [
      'no stages',
      'FROM a AS one\nFROM one\nFROM ONE AS two\nCOPY --from=one a b\nCOPY --from=0 a b',
      {},
      ['a'],
    ],
    ['no scratch', 'FROM scratch\nCOPY --from=c.test/z /a /b', {}, ['c.test/z']],
    [
      'what ARG stands for',
      'ARG R=a.test\nARG I=$R/x\nFROM $' + '{I}:$' + '{T:-2}',
      {},
      ['a.test/x:2'],
    ],
    [
      'what a build arg stands for',
      'ARG R=a.test\nFROM "$R/x"',
      { R: 'b.test', Q: 'c' },
      ['b.test/x'],
    ],
    ['no ARG of a stage', 'FROM a\nARG R=b.test\nFROM $R/x', {}, ['a', '/x']],
    [
      'a continued line',
      'from \\\n  # why\n  a.test/x \\\n as y\ncopy --chown=1:1 --from=y / /',
      {},
      ['a.test/x'],
    ],
    ['no text of a heredoc', 'FROM a\nRUN <<E\nFROM b.test/x\nE\n', {}, ['a']],
    ['each once', 'FROM a\nFROM a', {}, ['a']],
    ['nothing', '# FROM a\n', {}, []],
  ])('finds %s', (_, text, args, wanted) => {
    expect(namedImages(Buffer.from(text), args)).toEqual(wanted);
  });
});

describe('registryOf', () => {
  const hub = 'https://index.docker.io/v1/';

  it.each([
    ['registry.example.com/a/b:1', 'registry.example.com'],
    ['localhost/a', 'localhost'],
    ['host:5000/a@sha256:0', 'host:5000'],
    ['busybox:1.36', hub],
    ['library/busybox', hub],
    ['docker.io/library/busybox', hub],
  ])('%s → %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry);
  });
});

describe('loginsFor', () => {
  const dockerfile = { bytes: Buffer.from('FROM a.test/x\nFROM busybox\n'), args: {} };
  const ask = (auths: unknown) => loginsFor(JSON.stringify({ auths }), dockerfile);

  it('gives logins to those registries alone that the Dockerfile names', () => {
    const { logins, secrets } = ask({
      'a.test': { auth: base64('ada:pass:word') },
      'evil.test': { username: 'bot', password: 'secret-1' },
      'https://index.docker.io/v1/': { username: 'bot', password: 'secret-2' },
      'helped.test': {},
    });
    expect(logins).toEqual({
      'a.test': { username: 'ada', password: 'pass:word' },
      'https://index.docker.io/v1/': { username: 'bot', password: 'secret-2' },
    });
    expect(secrets).toEqual(['pass:word', base64('ada:pass:word'), 'secret-1', 'secret-2']);
  });

  it('knows a registry by its address as well', () => {
    const login = { username: 'a', password: 'b' };
    expect(ask({ 'https://a.test/v2/': login }).logins).toEqual({ 'a.test': login });
    expect(ask({ 'docker.io': login }).logins).toEqual({ 'https://index.docker.io/v1/': login });
  });

  it('has none where the variable is not set', () => {
    expect(loginsFor(undefined, dockerfile)).toMatchObject({ logins: {}, secrets: [] });
  });

  it.each([
    ['{"auths": {"a.test": {"auth": "open-sesame"', 'is no JSON'],
    ['"open-sesame"', 'is not of the form {"auths":{"registry":{"auth":"…"}}}'],
    [
      '{"auths":{"a.test":"open-sesame"}}',
      'is not of the form {"auths":{"registry":{"auth":"…"}}}',
    ],
    [
      '{"auths":{"a.test":{"auth":"open-sesame"}}}',
      'has an auth that is not Base64 of user:password',
    ],
  ])('refuses %s without repeating it', (text, why) => {
    let refusal: unknown;
    try {
      loginsFor(text, dockerfile);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      message: `The CI/CD variable DOCKER_AUTH_CONFIG ${why}.`,
      code: 'E_DOCKER_AUTH',
      retryable: false,
    });
    expect(JSON.stringify(refusal)).not.toContain('open-sesame');
  });

  it.each([
    ['unauthorized: authentication required', true],
    ['pull access denied for a.test/x, repository does not exist', true],
    ['Head "https://a.test/v2/x/manifests/1": no basic auth credentials', true],
    ['OCI runtime create failed: exec: "/run.sh": permission denied: unknown', false],
    ["The command '/bin/sh -c echo unauthorized' returned a non-zero code: 1", false],
    ['manifest for a.test/x:1 not found: manifest unknown', false],
  ])('is blamed or not: %s', (message, isBlamed) => {
    const access = ask({ 'a.test': { username: 'ada', password: 'x' } });
    const why =
      ' (a.test refused the login in DOCKER_AUTH_CONFIG; DOCKER_AUTH_CONFIG has no login for Docker Hub)';
    const explained = explainRefusal(new StepError(message, 2), access) as StepError;
    expect(explained.message).toBe(isBlamed ? message + why : message);
    expect(explained.step).toBe(2);
  });

  it('is not blamed where no image is asked for', () => {
    const none = loginsFor(undefined, { bytes: Buffer.from('FROM scratch\n'), args: {} });
    const error = new StepError('access denied', 1);
    expect(explainRefusal(error, none)).toBe(error);
  });

  it('may be there without being read', () => {
    const access = { ...loginsFor(undefined, dockerfile), areUnreadable: true };
    const explained = explainRefusal(new StepError('unauthorized', 1), access) as StepError;
    expect(explained.message).toBe(
      'unauthorized (a login may be in DOCKER_AUTH_CONFIG, but GITLAB_TOKEN needs the role Maintainer to read it)',
    );
  });

  it('is encoded as Docker reads it', () => {
    const logins = { 'a.test': { username: 'a', password: '>>>???~~~' } };
    const encoded = encodeLogins(logins);
    expect(encoded).toMatch(/^[\w-]+={0,2}$/);
    expect(encoded.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(encoded, 'base64url').toString())).toEqual(logins);
  });
});

describe('a private base image', () => {
  const password = 'open-sesame-42';
  /** bcrypt of that password, the only form that docker-registry reads. */
  const htpasswd = 'ada:$2b$04$C4xPrRKQ7F2muHFqa2kzhu54lY/NccsgeryNuxSLQ5j3Gpiohzrfu\n';
  let host: BuildHost;
  let data: string;
  let registry: Child;
  let listen: string;
  let image: string;

  beforeAll(async () => {
    host = await startBuildHost();
    data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'private-'));
    listen = `127.0.0.1:${await freePort()}`;
    registry = await startPrivateRegistry(data, listen, htpasswd);
    image = `${listen}/base/private:1`;
    await pushPrivately();
  });
  afterAll(async () => {
    await registry?.stop();
    await host?.stop();
    await rm(data, { recursive: true, force: true });
  });

  /** Puts an image there that is not on this host afterwards. */
  async function pushPrivately() {
    await build(`${host.from}\nRUN echo private > /private\n`, image, {});
    const pushing = await host.docker
      .getImage(image)
      .push({ authconfig: { username: 'ada', password, serveraddress: listen } });
    for await (const chunk of pushing) expect(String(chunk)).not.toContain('errorDetail');
    await host.docker.getImage(image).remove({ force: true });
  }

  async function build(dockerfile: string, name: string, auths: object) {
    const signal = new AbortController().signal;
    const bytes = Buffer.from(dockerfile);
    const access = loginsFor(JSON.stringify({ auths }), { bytes, args: {} });
    const { logins } = access;
    const said: string[] = [];
    const archive = archiveOf({ 'file.txt': 'x' });
    await buildImage({
      ...{ docker: host.docker, name, logins, signal, args: {}, labels: host.labels },
      context: openContext({
        archive,
        folder: '',
        dockerfile: { path: 'Dockerfile', bytes },
        signal,
      }),
      write: (text) => void said.push(text),
    }).catch((error: unknown) => {
      throw explainRefusal(error, access);
    });
    return said.join('');
  }

  const failure = (auths: object) =>
    build(`FROM ${image}\nRUN cat /private\n`, `${host.registry}/test/private:1`, auths).then(
      () => 'the build did not fail',
      (error: unknown) => error as Error,
    );

  it('is refused to a wrong password and to none, and the reason says so', async () => {
    expect(
      await failure({ [listen]: { username: 'ada', password: 'wrong-password' } }),
    ).toMatchObject({
      message: expect.stringContaining(`${listen} refused the login in DOCKER_AUTH_CONFIG`),
      retryable: false,
    });
    expect(await failure({})).toMatchObject({
      message: expect.stringContaining(`DOCKER_AUTH_CONFIG has no login for ${listen}`),
      retryable: false,
    });
  });

  it('is pulled with its login', async () => {
    const said = await build(
      `ARG FROM_REGISTRY=${listen}\nFROM $FROM_REGISTRY/base/private:1\nRUN cat /private\n`,
      `${host.registry}/test/private:1`,
      { [listen]: { auth: base64(`ada:${password}`) } },
    );
    expect(said).toContain('private\n');
    await host.docker.getImage(image).remove({ force: true });
  });
});

async function startPrivateRegistry(data: string, listen: string, htpasswd: string) {
  const path = join(data, 'htpasswd');
  await writeFile(path, htpasswd);
  const file = join(data, 'registry.json');
  const configuration = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(data, 'data') } },
    http: { addr: listen },
    auth: { htpasswd: { realm: 'private', path } },
  };
  await writeFile(file, JSON.stringify(configuration));
  return keepChild({
    ...{ name: 'private-registry', command: 'docker-registry', args: ['serve', file], data },
    ...{ env: childEnvironment(), hint: 'Install docker-registry.', log: silent },
    isReady: async () => (await fetch(`http://${listen}/v2/`)).status === 401,
  });
}
