/** A private base image: what its registry says to logins, wrong ones and none, by both builders. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushImage } from '../../../src/build/image/push.ts';
import { explainRefusal, loginsFor } from '../../../src/build/image/registry-login.ts';
import { childEnvironment } from '../../../src/config.ts';
import { silent } from '../../../src/core/log.ts';
import { type Child, keepChild } from '../../../src/embedded/child.ts';
import { freePort } from '../../demo/free-ports.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { buildsOn } from './builds.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe.each(['buildkit', 'classic'] as const)('a private base image, by %s', (builder) => {
  const password = 'open-sesame-42';
  /** bcrypt of that password, the only form that docker-registry reads. */
  const htpasswd = 'ada:$2b$04$C4xPrRKQ7F2muHFqa2kzhu54lY/NccsgeryNuxSLQ5j3Gpiohzrfu\n';
  let host: BuildHost;
  let data: string;
  let registry: Child;
  let listen: string;
  let image: string;
  const builds = buildsOn(() => host, { builder });

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
    await builds.build({ dockerfile: `${host.from}\nRUN echo private > /private\n`, name: image });
    const [repository = '', tag = ''] = [`${listen}/base/private`, '1'];
    const signal = new AbortController().signal;
    const login = { username: 'ada', password };
    const pushing = { docker: host.docker, repository, tag, signal, write: () => undefined };
    await expect(pushImage(pushing)).rejects.toMatchObject({
      ...{ code: 'E_REGISTRY_LOGIN', retryable: false },
      hint: expect.stringContaining('set REGISTRY_USER'),
    });
    await expect(
      pushImage({ ...pushing, login: { ...login, password: 'wrong' } }),
    ).rejects.toMatchObject({ code: 'E_REGISTRY_LOGIN', retryable: false });
    expect(await pushImage({ ...pushing, login })).toMatch(/^sha256:/);
    await host.docker.getImage(image).remove({ force: true });
  }

  async function build(dockerfile: string, auths: object) {
    const bytes = Buffer.from(dockerfile);
    const access = loginsFor(JSON.stringify({ auths }), { bytes, args: {} });
    const { said } = await builds.build({ dockerfile, logins: access.logins }).catch((error) => {
      throw explainRefusal(error, access);
    });
    return said;
  }

  const failure = (auths: object) =>
    build(`FROM ${image}\nRUN cat /private\n`, auths).then(
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
      `ARG FROM_REGISTRY=${listen}\nFROM $FROM_REGISTRY/base/private:1\nRUN cat /private # ${crypto.randomUUID()}\n`,
      { [listen]: { auth: base64(`ada:${password}`) } },
    );
    expect(said).toContain('private\n');
    await host.docker
      .getImage(image)
      .remove({ force: true })
      .catch(() => undefined);
  });

  it('is named where it does not exist', async () => {
    const dockerfile = `FROM ${listen}/base/none:1\n`;
    const logins = { [listen]: { username: 'ada', password } };
    expect(await builds.failureOf({ dockerfile, logins })).toMatchObject({
      message: expect.stringMatching(/base\/none:1 does not exist/),
      ...{ code: 'E_BASE_IMAGE', retryable: false },
    });
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
