/** Images made by a real Docker daemon, alike by both of its builders. */

import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuilderKind } from '../../../src/build/image/builder-choice.ts';
import { exposedPorts } from '../../../src/build/image/made-image.ts';
import { StepError } from '../../../src/build/image/step-error.ts';
import { connectDocker } from '../../../src/clients/docker.ts';
import type { StepEvent } from '../../../src/core/build-step.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { freePort } from '../../demo/free-ports.ts';
import { archiveOf, type BuildHost, commandsWith, startBuildHost } from '../registry.ts';
import { buildsOn, outputOf, stepsOf } from './builds.ts';

let host: BuildHost;

beforeAll(async () => {
  host = await startBuildHost();
});
afterAll(async () => {
  await host.stop();
});

const builders: BuilderKind[] = ['buildkit', 'classic'];

describe.each(builders)('buildImage by %s', (builder) => {
  const { build, failureOf } = buildsOn(() => host, { builder });
  /** Something that no cache has. */
  const fresh = () => `${builder}-${crypto.randomUUID()}`;

  it('builds from the archive, with args and labels', async () => {
    const dockerfile = `${host.from}
ARG GREETING=none
COPY file.txt /
RUN echo "$GREETING: $(cat /file.txt)" # ${fresh()}
EXPOSE 9090/tcp 53/udp 8080
`;
    const { name, id, said } = await build({ dockerfile, args: { GREETING: 'hällo' } });
    expect(said).toContain('hällo: content\n');
    const image = await host.docker.getImage(name).inspect();
    expect(image.Id).toBe(id);
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
    const { steps } = await build({ dockerfile, target: 'first' });
    expect(steps.map(({ title }) => title)).not.toContain('RUN exit 1');
  });

  it('finds no ports where the image exposes none', async () => {
    const { name } = await build({ dockerfile: `${host.from}\nENV A=1\n` });
    expect(await exposedPorts(host.docker, name)).toEqual([]);
  });

  it('tells hit and miss of each step, with places and times', async () => {
    const stamp = fresh();
    const dockerfile = `${host.from.replace('\n', ' AS base\n')}
# why
RUN echo ${stamp}
ARG LATE=1
FROM base AS "next"
COPY file.txt /
WORKDIR /${stamp}
RUN echo second && \\
    sleep 0.3
`.replace('"next"', 'next');
    const first = await build({ dockerfile });
    expect(first.events.map(({ type }) => type)).toContain('output');
    const kept = ['RUN', 'COPY', 'WORKDIR'];
    const countedOf = ({ steps }: typeof first) =>
      steps
        .filter(({ title }) => kept.includes(title.split(' ')[0] ?? ''))
        .map(({ title, origin, state, ends }) => `${origin} ${title} ${state} ${ends}`);
    const told = (state: string) => [
      `Dockerfile:4 RUN echo ${stamp} ${state} 1`,
      `Dockerfile:7 COPY file.txt / ${state} 1`,
      `Dockerfile:8 WORKDIR /${stamp} ${state} 1`,
      `Dockerfile:9 RUN echo second && sleep 0.3 ${state} 1`,
    ];
    expect(countedOf(first)).toEqual(told('miss'));
    expect(first.steps.at(-1)?.ms).toBeGreaterThanOrEqual(0);
    expect(countedOf(await build({ dockerfile }))).toEqual(told('hit'));
    expect(countedOf(await build({ dockerfile, noCache: true }))).toEqual(told('miss'));
  });

  it('takes text that is no UTF-8, and what comes in pieces', async () => {
    const dockerfile = `${host.from}
RUN printf 'a\\377b\\n'; printf '\\303'; sleep 0.3; printf '\\244\\n'; echo ${fresh()}
`;
    const { said } = await build({ dockerfile });
    expect(said).toContain('a\ufffdb\n');
    // The classic builder takes each piece for itself, before it is sent.
    if (builder === 'buildkit') expect(said).toContain('ä\n');
  });

  it('tells which step failed and where, and leaves no container', async () => {
    const dockerfile = `${host.from}\n# why\nENV A=1\n\nRUN echo before; exit 7\n`;
    const events: StepEvent[] = [];
    const onStep = (event: StepEvent) => void events.push(event);
    const failure = await failureOf({ dockerfile, onStep });
    expect(failure).toBeInstanceOf(StepError);
    expect(failure).toMatchObject({ code: 'E_BUILD_STEP', line: 6, retryable: false });
    expect(failure.message).toBe(
      "The command '/bin/sh -c echo before; exit 7' returned a non-zero code: 7",
    );
    expect(stepsOf(events).at(-1)).toMatchObject({ state: 'failed', origin: 'Dockerfile:6' });
    expect(outputOf(events)).toContain('before\n');
    expect(await host.containers()).toEqual([]);
  });

  it.each([
    ['without a shell', 'FROM scratch\nCOPY file.txt /\nRUN true', /exec: "\/bin\/sh": stat \/bin/],
    ['without the program', 'ENV A=1\nRUN ["nosuch"]\n', /exec: "nosuch": executable file not/],
  ])('says why a command cannot begin %s', async (_, text, why) => {
    const failure = await failureOf({ dockerfile: `${host.from}\n${text}\n` });
    expect(failure).toMatchObject({ code: 'E_BUILD_STEP', retryable: false });
    expect(failure.message).toMatch(why);
  });

  it.each([
    ['an instruction that is none', 'RUNN true', 'E_DOCKERFILE', 3, /RUNN/],
    ['too few words', 'COPY', 'E_DOCKERFILE', 3, /^COPY requires at least two arguments/],
    [
      'a file that is not there',
      'COPY nothing /',
      'E_BUILD_STEP',
      3,
      /^nothing is not in the build/,
    ],
    ['a file that no stage has', 'COPY --from=0 /none /', 'E_BUILD_STEP', 4, /^none is not where/],
    ['a heredoc', 'RUN <<E\necho hi\nE', 'E_DOCKERFILE', 3, /does not know heredocs/],
    ['a base image that is nowhere', 'FROM nosuch.invalid/x:1', 'E_BASE_IMAGE', 3, /x:1/],
    ['no base image', 'FROM $NOPE', 'E_DOCKERFILE', undefined, /blank|name/],
    [
      'a port that is none',
      'EXPOSE 80\nEXPOSE abc',
      'E_DOCKERFILE',
      4,
      /^Invalid containerPort: abc$/,
    ],
    ['a signal that is none', 'STOPSIGNAL NOPE', 'E_DOCKERFILE', 3, /^Invalid signal: NOPE$/],
    ['a name without a value', 'ENV A', 'E_DOCKERFILE', 3, /^ENV must have two arguments$/],
  ])('blames the Dockerfile for %s', async (what, text, code, line, message) => {
    const lines = what.includes('stage') ? `FROM scratch\n${text}` : text;
    const failure = await failureOf({ dockerfile: `${host.from}\n${lines}\n` });
    expect(failure.message).toMatch(message);
    expect(failure).toMatchObject({ code, retryable: false });
    if (line !== undefined) expect(failure.line).toBe(line);
  });

  it('blames an empty Dockerfile', async () => {
    const failure = await failureOf({ dockerfile: '# nothing\n' });
    expect(failure).toMatchObject({ code: 'E_DOCKERFILE' });
  });

  it('names the stage that is not there', async () => {
    const failure = await failureOf({ dockerfile: `${host.from}\n`, target: 'last' });
    expect(failure.message).toBe('The Dockerfile has no stage named last.');
    expect(failure).toMatchObject({ code: 'E_DOCKERFILE' });
  });

  it.each(['linux/s390x', 'no/such/plat/form'])('names the platform %s', async (platform) => {
    const failure = await failureOf({ dockerfile: `${host.from}\nENV A=1\n`, platform });
    expect(failure).toMatchObject({ retryable: false });
    expect(failure.message).toMatch(/platform|cannot be pulled|linux\/amd64/);
  });

  it('may be tried again where the registry of the base image is away', async () => {
    const registry = `127.0.0.1:${await freePort()}`;
    const failure = await failureOf({ dockerfile: `FROM ${registry}/base:1\n` });
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code: 'E_BASE_IMAGE', line: 1, retryable: true });
    expect(failure.message).toContain(`${registry}/base:1 cannot be pulled: dial tcp`);
  });

  it.each([
    ['is away', async () => `127.0.0.1:${await freePort()}`, 'E_ADD_URL', true, /dial tcp/],
    ['has no such file', async () => host.registry, 'E_ADD_URL', false, /status 404/],
  ])('names the URL of an ADD whose host %s', async (_, hostOf, code, retryable, why) => {
    const url = `http://${await hostOf()}/x.tgz`;
    const dockerfile = `${host.from}\nENV A=1\nADD ${url} /\nRUN true\n`;
    const failure = await failureOf({ dockerfile });
    expect(failure).toMatchObject({ code, line: 4, retryable });
    expect(failure.message).toContain(`${url}, which ADD names, cannot be fetched: `);
    expect(failure.message).toMatch(why);
  });

  it('survives five megabytes of output', async () => {
    const dockerfile = `${host.from}
RUN head -c 3500000 /dev/zero | base64; echo the-end ${fresh()}
`;
    let length = 0;
    let longest = 0;
    const onStep = (event: StepEvent) => {
      if (!('text' in event)) return;
      length += event.text.length;
      longest = Math.max(longest, event.text.length);
    };
    const { said } = await build({ dockerfile, onStep });
    // BuildKit leaves out what goes beyond a limit of the daemon, and says so.
    const isClipped = builder === 'buildkit' && said.includes('output clipped');
    expect(said.includes('BUILDKIT_STEP_LOG_MAX_SIZE=')).toBe(isClipped);
    expect(length > 4_600_000).toBe(!isClipped);
    expect(longest).toBeLessThan(1_000_000);
  });

  it('stops in the middle of a step when it is cancelled, and leaves nothing', async () => {
    const cancel = new AbortController();
    const reason = new Error('superseded');
    const mark = fresh();
    const events: StepEvent[] = [];
    const onStep = (event: StepEvent) => {
      events.push(event);
      if (event.type === 'output' && event.text.includes('begun')) cancel.abort(reason);
    };
    const dockerfile = `${host.from}\nRUN echo begun; sleep 61; echo ${mark}\n`;
    expect(await failureOf({ dockerfile, onStep, signal: cancel.signal })).toBe(reason);
    expect(stepsOf(events).at(-1)).toMatchObject({ state: 'canceled', ends: 1 });
    await expect.poll(() => commandsWith(mark)).toEqual([]);
    await expect.poll(() => host.containers()).toEqual([]);
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
