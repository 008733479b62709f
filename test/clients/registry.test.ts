/** The client of registries against a real one, and against servers that ask for a login or lead elsewhere. */
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, digestOf, isList } from '../../src/clients/registry.ts';
import { isLoopback } from '../../src/clients/registry-requests.ts';
import { type BuildHost, startBuildHost } from '../build/registry.ts';
import { pushTiny } from '../build/tiny-image.ts';
import { freePort } from '../demo/free-ports.ts';
import { manifestBytes, manifestHeaders, manifestType, open, serve } from './registry-server.ts';

describe('a real registry', () => {
  let host: BuildHost;
  const registry = createRegistry();
  const repository = () => ({ host: host.registry, path: 'client/app' });
  let digest: string | undefined;

  beforeAll(async () => {
    host = await startBuildHost();
    const name = `${host.registry}/client/app`;
    const changes = [`LABEL ekiden.test=${host.labels['ekiden.test']}`, 'EXPOSE 8080'];
    await pushTiny({ docker: host.docker, name: `${name}:one`, changes });
    digest = await registry.digest(repository(), 'one');
  });
  afterAll(async () => {
    await registry.close();
    await host.stop();
  });

  it('gives a manifest byte by byte, and a new name to it', async () => {
    const manifest = await registry.manifest(repository(), 'one');
    expect(manifest?.digest).toBe(digest);
    if (manifest === undefined) return;
    expect(isList(manifest)).toBe(false);
    await registry.putManifest(repository(), 'two', manifest);
    expect(await registry.digest(repository(), 'two')).toBe(digest);
    expect((await registry.tags(repository()))?.sort()).toEqual(['one', 'two']);
  });

  it('shows the configuration of an image', async () => {
    const manifest = await registry.manifest(repository(), 'one');
    const { config } = JSON.parse(String(manifest?.bytes));
    expect(await registry.config(repository(), config.digest)).toMatchObject({
      labels: { 'ekiden.test': host.labels['ekiden.test'] },
      exposedPorts: ['8080/tcp'],
      onBuild: [],
    });
  });

  it('knows nothing of what is not there', async () => {
    const other = { host: host.registry, path: 'client/none' };
    expect(await registry.manifest(repository(), 'none')).toBeUndefined();
    expect(await registry.digest(other, 'one')).toBeUndefined();
    expect(await registry.tags(other)).toBeUndefined();
    expect(await registry.config(repository(), `sha256:${'0'.repeat(64)}`)).toBeUndefined();
    expect(await registry.delete(repository(), `sha256:${'0'.repeat(64)}`)).toBe(false);
  });

  it('takes an upload', async () => {
    await expect(registry.tryUpload(repository())).resolves.toBeUndefined();
  });

  it('deletes a manifest with all its names', async () => {
    expect(await registry.delete(repository(), digest ?? '')).toBe(true);
    expect(await registry.digest(repository(), 'one')).toBeUndefined();
    expect(await registry.digest(repository(), 'two')).toBeUndefined();
  });
});

const login = { username: 'ada', password: 'p:w' };
const basic = `Basic ${Buffer.from('ada:p:w').toString('base64')}`;

describe('a login', () => {
  it('as Basic goes to its own registry alone', async () => {
    const seen: (string | undefined)[] = [];
    const listener: RequestListener = ({ headers }, response) => {
      seen.push(headers.authorization);
      if (headers.authorization === basic) {
        response.writeHead(200, manifestHeaders).end(manifestBytes);
      } else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    };
    const [mine, other] = [await serve(listener), await serve(listener)];
    const registry = open({ logins: { [mine]: login } });
    const found = await registry.manifest({ host: mine, path: 'a' }, 'x');
    expect(found).toEqual({
      bytes: manifestBytes,
      mediaType: manifestType,
      digest: digestOf(manifestBytes),
    });
    expect(seen).toEqual([undefined, basic, basic]);
    seen.length = 0;
    await expect(registry.manifest({ host: other, path: 'a' }, 'x')).rejects.toMatchObject({
      code: 'E_REGISTRY_LOGIN',
      retryable: false,
      hint: `No login is known for ${other}.`,
    });
    expect(seen).toEqual([undefined]);
  });

  it('is traded for a token, which serves until it ends', async () => {
    const asked: string[] = [];
    let host = '';
    host = await serve(({ method, url = '', headers }, response) => {
      asked.push(`${method} ${url} ${headers.authorization}`);
      if (url.startsWith('/token')) {
        response.end(JSON.stringify({ token: 't1', expires_in: 300 }));
      } else if (headers.authorization === 'Bearer t1') {
        response.writeHead(200, manifestHeaders).end(manifestBytes);
      } else {
        const challenge = `Bearer realm="http://${host}/token",service="reg",scope="repository:a/b:pull"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
    });
    const registry = open({ logins: { [host]: login } });
    const repository = { host, path: 'a/b' };
    expect(await registry.manifest(repository, 'x')).toBeDefined();
    expect(await registry.manifest(repository, 'y')).toBeDefined();
    expect(asked).toEqual([
      'HEAD /v2/a/b/manifests/x undefined',
      `GET /token?service=reg&scope=repository%3Aa%2Fb%3Apull ${basic}`,
      'HEAD /v2/a/b/manifests/x Bearer t1',
      `GET /v2/a/b/manifests/${digestOf(manifestBytes)} Bearer t1`,
      'HEAD /v2/a/b/manifests/y Bearer t1',
    ]);
  });

  it('that is wrong is told of, without the password', async () => {
    const host = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('{"errors":[]}'),
    );
    const error = await open({ logins: { [host]: login } })
      .tags({ host, path: 'a' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'E_REGISTRY_LOGIN',
      message: expect.stringContaining('HTTP 401'),
      hint: expect.stringContaining('does not let the login do this'),
    });
    expect(JSON.stringify(error) + String(error)).not.toContain('p:w');
  });

  it('does not follow a blob to another store', async () => {
    const bytes = Buffer.from('{"os":"linux","config":{"ExposedPorts":{"80/tcp":{}}}}');
    const store: (string | undefined)[] = [];
    const elsewhere = await serve(({ headers }, response) => {
      store.push(headers.authorization);
      response.end(bytes);
    });
    const host = await serve(({ headers }, response) => {
      const isIn = headers.authorization === basic;
      response
        .writeHead(isIn ? 307 : 401, {
          'www-authenticate': 'Basic realm="x"',
          location: `http://${elsewhere}/blob`,
        })
        .end();
    });
    const registry = open({ logins: { [host]: login } });
    const config = await registry.config({ host, path: 'a' }, digestOf(bytes));
    expect(config?.exposedPorts).toEqual(['80/tcp']);
    expect(store).toEqual([undefined]);
  });

  it('is not given to another store that asks for one', async () => {
    const store: (string | undefined)[] = [];
    const elsewhere = await serve(({ headers }, response) => {
      store.push(headers.authorization);
      const challenge = `Bearer realm="http://${headers.host}/token"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    const host = await serve((_, response) =>
      response.writeHead(307, { location: `http://${elsewhere}/blob` }).end(),
    );
    const registry = open({ logins: { [host]: login } });
    await expect(registry.config({ host, path: 'a' }, digestOf(manifestBytes))).rejects.toThrow();
    expect(store).toEqual([undefined]);
  });
});

describe('a registry that is not well', () => {
  it('that is away may be asked again', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    await expect(open().tags({ host, path: 'a' })).rejects.toMatchObject({
      code: 'E_REGISTRY',
      retryable: true,
      message: expect.stringMatching(
        /^The registry 127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/,
      ),
    });
  });

  it('that fails is named with its own words', async () => {
    const host = await serve((_, response) => response.writeHead(503).end('no\nroom'));
    await expect(open().tags({ host, path: 'a' })).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/HTTP 503: no room$/),
    });
  });

  it.each([
    [404, 'PUT a/manifests/x with HTTP 404: no such'],
    [400, 'PUT a/manifests/x with HTTP 400: no such'],
  ])('that takes no manifest is told of: %i', async (status, message) => {
    const host = await serve((_, response) => response.writeHead(status).end('no such'));
    const manifest = { digest: '', mediaType: manifestType, bytes: manifestBytes };
    await expect(open().putManifest({ host, path: 'a' }, 'x', manifest)).rejects.toThrow(message);
  });

  it('that lets nobody delete says how that is allowed', async () => {
    const host = await serve((_, response) => response.writeHead(405).end());
    await expect(open().delete({ host, path: 'a' }, 'sha256:x')).rejects.toMatchObject({
      hint: 'Allow it to delete: storage.delete.enabled.',
    });
  });

  it.each([
    ['"detail":"write /data/x: no space left on device"', 'E_REGISTRY_FULL'],
    ['"detail":{"Enclosed":{"Op":"write","Path":"/data/x","Err":28}}', 'E_REGISTRY_FULL'],
    ['"detail":{"Enclosed":{"Op":"write","Path":"/data/x","Err":5}}', 'E_REGISTRY'],
  ])('that takes no upload for %s', async (detail, code) => {
    const body = `{"errors":[{"code":"UNKNOWN","message":"unknown error",${detail}}]}`;
    const host = await serve((_, response) => response.writeHead(500).end(body));
    const tried = open().tryUpload({ host, path: 'a' });
    await expect(tried).rejects.toMatchObject({ code, retryable: true });
  });

  it('that gives other bytes than were asked for is not believed', async () => {
    const host = await serve((_, response) => response.end('{}'));
    const repository = { host, path: 'a' };
    const digest = `sha256:${'0'.repeat(64)}`;
    await expect(open().config(repository, digest)).rejects.toThrow('other bytes');
    await expect(open().manifest(repository, digest)).rejects.toThrow('other bytes');
  });

  it('that answers without end is left', async () => {
    const host = await serve((_, response) => {
      response.write(Buffer.alloc(9 * 1024 * 1024));
    });
    await expect(open().tags({ host, path: 'a' })).rejects.toThrow('more than');
  });
});

describe('without TLS', () => {
  it.each(['localhost', 'localhost:5000', '127.0.0.1:5000', '127.8.9.10', '[::1]:5000'])(
    '%s is asked',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['localhost.example.com', '128.0.0.1', '127.0.0.1.example.com', 'r:5000'])(
    '%s is not asked',
    (host) => expect(isLoopback(host)).toBe(false),
  );

  it('are those that Docker names', async () => {
    const host = await serve((_, response) => response.end('{"tags":["x"]}'));
    const { port } = new URL(`http://${host}`);
    const asked: string[] = [];
    const registry = open({
      isPlain: async (name) => {
        asked.push(name);
        return true;
      },
    });
    const repository = { host: `0.0.0.0:${port}`, path: 'a' };
    expect(await registry.tags(repository)).toEqual(['x']);
    expect(await registry.tags(repository)).toEqual(['x']);
    expect(asked).toEqual([repository.host]);
  });

  it('are asked for again where Docker did not answer', async () => {
    const host = await serve((_, response) => response.end('{"tags":["x"]}'));
    const { port } = new URL(`http://${host}`);
    let isAway = true;
    const registry = open({ isPlain: async () => !isAway || Promise.reject(new Error('away')) });
    const repository = { host: `0.0.0.0:${port}`, path: 'a' };
    await expect(registry.tags(repository)).rejects.toMatchObject({ code: 'E_REGISTRY' });
    isAway = false;
    expect(await registry.tags(repository)).toEqual(['x']);
  });
});
