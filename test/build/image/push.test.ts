/** Images pushed into a real registry, and into some that fail. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pushImage } from '../../../src/build/image/push.ts';
import { connectDocker } from '../../../src/clients/docker.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { freePort } from '../../demo/free-ports.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { buildsOn } from './builds.ts';

let host: BuildHost;
let image: string;

const { build } = buildsOn(() => host);

beforeAll(async () => {
  host = await startBuildHost();
  image = (await build({ dockerfile: `${host.from}\nENV PUSHED=${crypto.randomUUID()}\n` })).name;
});
afterAll(async () => {
  await host.stop();
});

const push = (repository: string, signal = new AbortController().signal) =>
  pushImage({ docker: host.docker, repository, tag: 'one', write: () => undefined, signal });

const nameAt = async (registry: string) => {
  const repository = `${registry}/test/elsewhere`;
  await host.docker.getImage(image).tag({ repo: repository, tag: 'one' });
  return repository;
};

describe('pushImage', () => {
  it('answers the digest that the registry has', async () => {
    const repository = image.slice(0, -':one'.length);
    const digest = await push(repository);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const path = repository.slice(host.registry.length + 1);
    const answer = await fetch(`http://${host.registry}/v2/${path}/manifests/one`, {
      method: 'HEAD',
      headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    });
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
    expect(await push(repository)).toBe(digest);
  });

  it('may be tried again when the registry is away', async () => {
    const repository = await nameAt(`127.0.0.1:${await freePort()}`);
    const failure = await push(repository).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code: 'E_REGISTRY', retryable: true });
    expect((failure as Error).message).toContain(`did not take ${repository}:one: `);
  });

  it('ends when it is cancelled', async () => {
    const cancel = new AbortController();
    cancel.abort(new Error('superseded'));
    await expect(push(image.slice(0, -':one'.length), cancel.signal)).rejects.toThrow('superseded');
  });
});

describe('what Docker says of a push', () => {
  /** Docker itself tries for a minute before it gives up, so its words come from a stand-in here. */
  async function pushAgainst(...answers: object[]) {
    let asked = 0;
    const server = createServer((request, response) => {
      request.resume();
      response.end(`${JSON.stringify(answers[Math.min(asked++, answers.length - 1)])}\n`);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    const docker = connectDocker(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const pushing = { docker, repository: 'r.test/x', tag: 'one', write: () => undefined };
    const signal = new AbortController().signal;
    const end = await pushImage({ ...pushing, signal }).catch((error: unknown) => error);
    return { end, asked };
  }

  const done = { aux: { Tag: 'one', Digest: 'sha256:1' } };

  it.each([
    ['write /data: no space left on device', true, 'E_REGISTRY', 'Free room in the registry'],
    ['received unexpected HTTP status: 500 Internal Server Error', true, 'E_REGISTRY', 'is up'],
    ['unauthorized: authentication required', false, 'E_REGISTRY_LOGIN', 'set REGISTRY_USER'],
    ['denied: requested access to the resource is denied', false, 'E_REGISTRY_LOGIN', 'login'],
    ['no basic auth credentials', false, 'E_REGISTRY_LOGIN', 'login'],
  ])('%s', async (error, retryable, code, hint) => {
    const { end, asked } = await pushAgainst({ error });
    expect(end).toMatchObject({ code, retryable, hint: expect.stringContaining(hint) });
    expect((end as Error).message).toBe(`The registry did not take r.test/x:one: ${error}`);
    expect(asked).toBe(1);
  });

  it('begins once more where the registry forgot an upload', async () => {
    const lost = { errorDetail: { message: 'blob upload unknown' }, error: 'blob upload unknown' };
    expect(await pushAgainst(lost, done)).toEqual({ end: 'sha256:1', asked: 2 });
    const { end, asked } = await pushAgainst(lost);
    expect(end).toMatchObject({ code: 'E_REGISTRY', retryable: true });
    expect(asked).toBe(2);
  });

  it('takes no push for done that tells no digest', async () => {
    expect((await pushAgainst({ status: 'Pushed' })).end).toMatchObject({ code: 'E_REGISTRY' });
  });
});
