/** Images made and pushed by a real Docker daemon, into a real registry. */

import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openContext } from '../../../src/build/context/context.ts';
import {
  type BuildImageOptions,
  buildImage,
  exposedPorts,
  pushImage,
} from '../../../src/build/image/image.ts';
import { StepError } from '../../../src/build/image/progress.ts';
import { connectDocker } from '../../../src/clients/docker.ts';
import { InputError, RemoteError } from '../../../src/core/errors.ts';
import { archiveOf, type BuildHost, freePort, startBuildHost } from '../registry.ts';

let host: BuildHost;
let count = 0;

beforeAll(async () => {
  host = await startBuildHost();
});
afterAll(async () => {
  await host.stop();
});

interface Asked extends Partial<BuildImageOptions> {
  dockerfile: string;
  archive?: Readable;
}

/** Builds; answers the image's name and what the build said. */
async function build({ dockerfile, archive, ...change }: Asked) {
  const name = `${host.registry}/test/image-${++count}:one`;
  const said: string[] = [];
  const signal = change.signal ?? new AbortController().signal;
  const context = openContext({
    archive: archive ?? archiveOf({ 'file.txt': 'content\n' }),
    folder: '',
    dockerfile: { path: 'Dockerfile', bytes: Buffer.from(dockerfile) },
    signal,
  });
  const write = (text: string) => void said.push(text);
  await buildImage({
    ...{ docker: host.docker, context, name, args: {}, labels: host.labels, write, signal },
    ...change,
  });
  return { name, said: said.join('') };
}

const failureOf = (asked: Asked) =>
  build(asked).then(
    () => new Error('the build did not fail'),
    (error: unknown) => error as Error,
  );

describe('buildImage', () => {
  it('builds from the archive, with args and labels', async () => {
    const dockerfile = `${host.from}
ARG GREETING=none
COPY file.txt /
RUN echo "$GREETING: $(cat /file.txt)"
EXPOSE 9090/tcp 53/udp 8080
`;
    const { name, said } = await build({ dockerfile, args: { GREETING: 'hällo' } });
    expect(said).toContain('hällo: content');
    expect(said).toMatch(/^Step 1\/\d+ : FROM/);
    const image = await host.docker.getImage(name).inspect();
    expect(image.Config.Labels).toMatchObject(host.labels);
    expect(await exposedPorts(host.docker, name)).toEqual([8080, 9090]);
    expect(await host.containers()).toEqual([]);
  });

  it('stops at the target', async () => {
    const dockerfile = `${host.from.replace('\n', ' AS first\n')}
RUN touch /first
FROM first AS second
RUN exit 1
`;
    const { said } = await build({ dockerfile, target: 'first' });
    expect(said).not.toContain('exit 1');
  });

  it('finds no ports where the image exposes none', async () => {
    const { name } = await build({ dockerfile: `${host.from}\nENV A=1\n` });
    expect(await exposedPorts(host.docker, name)).toEqual([]);
  });

  it('tells which step failed, and leaves no container', async () => {
    const dockerfile = `${host.from}\n# why\nENV A=1\n\nRUN echo before; exit 7\n`;
    const failure = await failureOf({ dockerfile });
    expect(failure).toBeInstanceOf(StepError);
    expect(failure).toMatchObject({ step: 4, retryable: false });
    expect(failure.message).toBe(
      "The command '/bin/sh -c echo before; exit 7' returned a non-zero code: 7",
    );
    expect(await host.containers()).toEqual([]);
  });

  it.each([
    ['an instruction that is none', 'RUNN true', /^dockerfile parse error line 3: .*RUNN/],
    ['a file that is not there', 'COPY nothing /', /nothing/],
  ])('blames the Dockerfile for %s', async (_, line, message) => {
    const failure = await failureOf({ dockerfile: `${host.from}\n${line}\n` });
    expect(failure).toBeInstanceOf(InputError);
    expect(failure.message).toMatch(message);
  });

  it('blames an empty Dockerfile', async () => {
    expect(await failureOf({ dockerfile: '# nothing\n' })).toBeInstanceOf(InputError);
  });

  it('stops in the middle of a step when it is cancelled, and leaves no container', async () => {
    const cancel = new AbortController();
    const reason = new Error('superseded');
    const write = (text: string) => {
      if (text.startsWith('begun')) cancel.abort(reason);
    };
    const dockerfile = `${host.from}\nRUN echo begun; sleep 60\n`;
    expect(await failureOf({ dockerfile, write, signal: cancel.signal })).toBe(reason);
    await expect.poll(() => host.containers(), { timeout: 10_000 }).toEqual([]);
  });

  it.each([
    ['in a large file', 2_000_000, 1_000_000],
    ['in a small file', 10_000, 2_000],
    ['in the middle of a header', 10_000, 300],
    ['before it begins', 10_000, 0],
  ])('names the archive when that breaks off %s', async (_, size, kept) => {
    const whole: Buffer[] = [];
    for await (const chunk of archiveOf({ big: Buffer.alloc(size) })) whole.push(chunk);
    const archive = Readable.from(
      (async function* () {
        yield Buffer.concat(whole).subarray(0, kept);
        throw new TypeError('terminated');
      })(),
    );
    const failure = await failureOf({ dockerfile: `${host.from}\nCOPY . /\n`, archive });
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code: 'E_ARCHIVE', retryable: true });
    expect(failure.message).toBe('The archive from GitLab broke off: terminated');
  });

  it('names the archive when that ends too early', async () => {
    const whole: Buffer[] = [];
    for await (const chunk of archiveOf({ big: Buffer.alloc(2_000_000) })) whole.push(chunk);
    const archive = Readable.from([Buffer.concat(whole).subarray(0, 1_000_000)]);
    const failure = await failureOf({ dockerfile: `${host.from}\nCOPY . /\n`, archive });
    expect(failure).toMatchObject({ code: 'E_ARCHIVE', retryable: true });
    expect(failure.message).toMatch(/^The archive from GitLab broke off: /);
  });

  it('names Docker when that is away, and may be tried again', async () => {
    const docker = connectDocker(`tcp://127.0.0.1:${await freePort()}`);
    const failure = await failureOf({ dockerfile: `${host.from}\n`, docker });
    expect(failure).toMatchObject({ code: 'E_DOCKER', retryable: true });
    expect(failure.message).toMatch(/^Docker did not build: /);
  });
});

describe('pushImage', () => {
  const push = (repository: string, signal = new AbortController().signal) =>
    pushImage({ docker: host.docker, repository, tag: 'one', write: () => undefined, signal });

  it('answers the digest that the registry has', async () => {
    const { name } = await build({ dockerfile: `${host.from}\nENV PUSHED=1\n` });
    const repository = name.slice(0, -':one'.length);
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
    const { name } = await build({ dockerfile: `${host.from}\nENV AWAY=1\n` });
    const repository = `127.0.0.1:${await freePort()}/test/away`;
    await host.docker.getImage(name).tag({ repo: repository, tag: 'one' });
    const failure = await push(repository).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code: 'E_REGISTRY', retryable: true });
    expect((failure as Error).message).toContain(`did not take ${repository}:one: `);
  });

  it('ends when it is cancelled', async () => {
    const { name } = await build({ dockerfile: `${host.from}\nENV CUT=1\n` });
    const cancel = new AbortController();
    cancel.abort(new Error('superseded'));
    const repository = name.slice(0, -':one'.length);
    await expect(push(repository, cancel.signal)).rejects.toThrow('superseded');
  });
});
