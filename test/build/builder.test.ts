/** The second leg on real parts: Docker, a registry, and the archive of the stand-in GitLab. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BuilderOptions, createBuilder } from '../../src/build/builder.ts';
import { createBuildLogs } from '../../src/build/log/build-log.ts';
import { connectDocker } from '../../src/clients/docker.ts';
import { createRegistry } from '../../src/clients/registry.ts';
import type { JourneyEvent } from '../../src/core/event.ts';
import { freePort } from '../demo/free-ports.ts';
import { textOfLog } from '../support/build-logs.ts';
import { type BuildHost, startBuildHost } from './registry.ts';
import { type Host, type Rig, short, startHost } from './rig.ts';

let buildHost: BuildHost;
let host: Host;
let rig: Rig;
let events: JourneyEvent[];

beforeAll(async () => {
  buildHost = await startBuildHost();
  host = await startHost({ archivesPerMinute: 0 });
});
afterAll(async () => {
  await host.stop();
  await buildHost.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
  events = [];
});

interface Attempted extends Partial<BuilderOptions> {
  signal?: AbortSignal;
  last?: boolean;
}

function build(id: string, { signal, last = false, ...change }: Attempted = {}) {
  const builder = createBuilder({
    ...rig.stores,
    gitlab: rig.client,
    docker: buildHost.docker,
    logs: createBuildLogs(rig.stores.buildLogStore),
    registry: buildHost.registry,
    registryClient: createRegistry(),
    exclusively: rig.stores.locks.exclusively,
    args: {},
    install: buildHost.install,
    timeout: 60,
    ...change,
  });
  return builder.build(id, async (event) => void events.push(event), {
    signal: signal ?? new AbortController().signal,
    first: true,
    last,
  });
}

/** Pushes a commit and resolves it; answers its sha. */
async function resolved(id: string, files: Record<string, string>): Promise<string> {
  const sha = await rig.commit({ Dockerfile: `${buildHost.from}\n`, ...files });
  expect(await rig.resolve(rig.push(id, sha))).toContainEqual({
    type: 'build.resolved',
    build: id,
  });
  return sha;
}

const logOf = (id: string) => textOfLog(rig.stores.buildLogStore, id);

const lastLegOf = async (id: string) => (await rig.stores.builds.find(id))?.legs.at(-1);

const manifestDigest = async (tag: string) => {
  const answer = await fetch(`http://${buildHost.registry}/v2/${rig.path}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
  });
  return answer.headers.get('docker-content-digest');
};

describe('a build that works', () => {
  it('ends with an image in the registry, under the tags of its commit and its branch', async () => {
    const sha = await resolved('b1', {
      Dockerfile: `${buildHost.from}\nINCLUDE docker/app.dockerfile\nEXPOSE 9000 8000/tcp\n`,
      'docker/app.dockerfile':
        'ARG DECLARED\nCOPY app.txt /\nRUN echo "$DECLARED $(cat /app.txt)"\n',
      'app.txt': `of the commit ${crypto.randomUUID()}`,
    });
    const args = { DECLARED: 'given', UNDECLARED: 'not given' };
    expect(await build('b1', { args })).toEqual([{ type: 'image.pushed', build: 'b1' }]);
    expect(events).toEqual([{ type: 'build.started', build: 'b1' }]);
    const done = await rig.stores.builds.find('b1');
    const digest = await manifestDigest(`sha-${short(sha)}`);
    expect(done).toMatchObject({
      state: 'succeeded',
      image: `${buildHost.registry}/${rig.path}@${digest}`,
      plan: { services: [{ name: 'web', ports: [8000] }] },
    });
    expect(await manifestDigest('main')).toBe(digest);
    const legs = done?.legs.map(({ name }) => name).join(' ');
    expect(legs).toBe('hook queue resolve build push');
    const log = await logOf('b1');
    expect(log).toContain('given of the commit');
    expect(log).not.toContain('UNDECLARED');
    const { Config } = await buildHost.docker.getImage(done?.image ?? '').inspect();
    expect(Config.Labels).toMatchObject({ 'ekiden.project': String(rig.project) });
  });

  it('takes a folder as context, and a path in upper case', async () => {
    const sha = await resolved('b1', {
      '.ekiden.yml': 'build: { context: web, dockerfile: web/Dockerfile }\n',
      'web/Dockerfile': `${buildHost.from}\nCOPY inside.txt /\n`,
      'web/inside.txt': 'x',
    });
    await rig.stores.builds.update('b1', { projectPath: `Upper/${rig.path}` });
    expect(await build('b1')).toEqual([{ type: 'image.pushed', build: 'b1' }]);
    const { image } = (await rig.stores.builds.find('b1')) ?? {};
    expect(image).toMatch(new RegExp(`^${buildHost.registry}/upper/${rig.path}@sha256:`));
    expect(sha).toHaveLength(40);
  });
});

describe('a build that fails', () => {
  const failed = async (change: Attempted = {}) => {
    expect(await build('b1', change)).toEqual([{ type: 'build.failed', build: 'b1' }]);
    expect(await buildHost.containers()).toEqual([]);
    return (await rig.endOf('b1')).reason;
  };

  it('names the line that people wrote', async () => {
    await resolved('b1', {
      Dockerfile: `${buildHost.from}\nINCLUDE docker/app.dockerfile\n`,
      'docker/app.dockerfile': 'ENV A=1\n\nRUN exit 7\n',
    });
    const reason = `Dockerfile:3 → docker/app.dockerfile:3: The command '/bin/sh -c exit 7' returned a non-zero code: 7`;
    expect(await failed()).toBe(reason);
    expect(await logOf('b1')).toMatch(/\nfailed: Dockerfile:3 → docker\/app\.dockerfile:3: /);
  });

  it('names the line that Docker cannot read', async () => {
    await resolved('b1', { Dockerfile: `${buildHost.from}\nCOPY\n` });
    expect(await failed()).toMatch(/^Dockerfile:3: COPY requires/);
  });

  it('names a context that is not there', async () => {
    await resolved('b1', { '.ekiden.yml': 'build: { context: wbe }\n' });
    expect(await failed()).toMatch(/^GitLab, asked for the folder wbe at [0-9a-f]{12}: 404/);
  });

  it('says when it took too long', async () => {
    await resolved('b1', { Dockerfile: `${buildHost.from}\nRUN sleep 60\n` });
    expect(await build('b1', { timeout: 1 })).toEqual([{ type: 'build.failed', build: 'b1' }]);
    expect((await rig.endOf('b1')).reason).toBe('not done after 1 s');
    expect(await lastLegOf('b1')).toMatchObject({ name: 'build', end: expect.any(Number) });
    await expect.poll(() => buildHost.containers()).toEqual([]);
  });

  it('asks for another push when its Dockerfile is no longer kept', async () => {
    await resolved('b1', {});
    const dockerfile = async () => undefined;
    const reason = await failed({ builds: { ...rig.stores.builds, dockerfile } });
    expect(reason).toBe('The expanded Dockerfile is no longer kept.');
  });
});

describe('when a part is away', () => {
  /** Throws at first, and tells the reason at the last try. */
  async function reasonAtLast(change: () => Promise<Attempted>, files = {}): Promise<string> {
    await resolved('b1', files);
    await expect(build('b1', await change())).rejects.toMatchObject({ retryable: true });
    expect(await rig.endOf('b1')).toMatchObject({ state: 'running' });
    const ended = await build('b1', { ...(await change()), last: true });
    expect(ended).toEqual([{ type: 'build.failed', build: 'b1' }]);
    return (await rig.endOf('b1')).reason ?? '';
  }

  it('names GitLab where that refuses the archive', async () => {
    const reason = await reasonAtLast(async () => {
      rig.gitlab.faults.add({ route: /archive/, status: 500, times: 30 });
      return {};
    });
    expect(reason).toMatch(/^GitLab, asked for the archive of [0-9a-f]{12}: /);
  });

  it('names the archive where that breaks off', async () => {
    const big = { 'big.bin': 'x'.repeat(3_000_000) };
    const reason = await reasonAtLast(async () => {
      rig.gitlab.faults.add({ route: /archive/, afterBytes: 500_000, reset: true });
      return {};
    }, big);
    expect(reason).toMatch(/^The archive from GitLab broke off: /);
  });

  it('names the registry, and no line of the Dockerfile', async () => {
    const registry = `127.0.0.1:${await freePort()}`;
    const reason = await reasonAtLast(async () => ({ registry }));
    expect(reason).toMatch(new RegExp(`^The registry did not take ${registry}/`));
    expect(await lastLegOf('b1')).toMatchObject({ name: 'push', end: expect.any(Number) });
  });

  it('does not make again what only the registry did not take', async () => {
    const registry = `127.0.0.1:${await freePort()}`;
    await resolved('b1', {});
    const away = { code: 'E_REGISTRY' };
    await expect(build('b1', { registry })).rejects.toMatchObject(away);
    const waits = 'waits to be tried again: The registry did not take ';
    const found = await rig.stores.builds.find('b1');
    expect(found).toMatchObject({ state: 'running', reason: expect.stringContaining(waits) });
    expect(await logOf('b1')).toContain(waits);
    const legs = (await rig.stores.builds.find('b1'))?.legs.map(({ name }) => name);
    expect(legs).toContain('build');
    rig.gitlab.faults.add({ route: /archive/, status: 500, times: 30 });
    await expect(build('b1', { registry })).rejects.toMatchObject(away);
    expect(await logOf('b1')).toContain('the image is made already');
  });

  it('names Docker', async () => {
    const docker = connectDocker(`tcp://127.0.0.1:${await freePort()}`);
    expect(await reasonAtLast(async () => ({ docker }))).toMatch(/^Docker did not build: /);
  });
});

describe('a build that is overtaken', () => {
  it('does not end as an image when a newer commit has the branch', async () => {
    await resolved('b1', {});
    const claim = {
      project: rig.project,
      ref: 'refs/heads/main',
      sha: 'f'.repeat(40),
      build: 'b2',
    };
    await rig.stores.heads.claim(claim);
    expect(await build('b1')).toEqual([{ type: 'build.superseded', build: 'b1' }]);
    expect((await rig.endOf('b1')).reason).toBe('superseded by ffffffffffff');
  });

  it('does not end as an image when its branch is gone', async () => {
    await resolved('b1', {});
    await rig.stores.heads.release(rig.project, 'refs/heads/main');
    expect(await build('b1')).toEqual([{ type: 'build.superseded', build: 'b1' }]);
    expect((await rig.endOf('b1')).reason).toBe('main was deleted');
  });

  it('stops when it is cancelled, and says its end', async () => {
    await resolved('b1', { Dockerfile: `${buildHost.from}\nRUN echo begun; sleep 60\n` });
    const cancel = new AbortController();
    const building = build('b1', { signal: cancel.signal, last: true });
    await expect.poll(() => logOf('b1')).toMatch(/^begun$/m);
    await rig.stores.builds.end('b1', 'superseded', 'superseded by x');
    cancel.abort(new Error('superseded by x'));
    expect(await building).toEqual([{ type: 'build.superseded', build: 'b1' }]);
    expect(await lastLegOf('b1')).toMatchObject({ name: 'build', end: expect.any(Number) });
    await expect.poll(() => buildHost.containers()).toEqual([]);
    expect(await build('b1')).toEqual([{ type: 'build.superseded', build: 'b1' }]);
    expect((await rig.endOf('b1')).reason).toBe('superseded by x');
  });
});

describe('a Docker that hangs', () => {
  it('does not keep the slot of a build beyond its time', async () => {
    await resolved('b1', {});
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const docker = connectDocker(`tcp://127.0.0.1:${port}`);
    expect(await build('b1', { docker, timeout: 1 })).toEqual([
      { type: 'build.failed', build: 'b1' },
    ]);
    expect((await rig.endOf('b1')).reason).toBe('not done after 1 s');
    silent.close();
  });
});

describe('a build role that stops', () => {
  it('gives the build back as it is', async () => {
    await resolved('b1', { Dockerfile: `${buildHost.from}\nRUN echo begun; sleep 60\n` });
    const stopping = new AbortController();
    const building = build('b1', { signal: stopping.signal, last: true });
    await expect.poll(() => logOf('b1')).toMatch(/^begun$/m);
    stopping.abort(new Error('Ekiden is stopping'));
    await expect(building).rejects.toThrow('Ekiden is stopping');
    expect((await rig.endOf('b1')).state).toBe('running');
  });
});

describe('asked again', () => {
  it('a build that is done hands its end on, and builds nothing', async () => {
    await resolved('b1', {});
    await rig.stores.builds.end('b1', 'succeeded');
    const docker = connectDocker(`tcp://127.0.0.1:${await freePort()}`);
    expect(await build('b1', { docker })).toEqual([{ type: 'image.pushed', build: 'b1' }]);
    expect(events).toEqual([]);
  });

  it('about a build that nobody knows, it does nothing', async () => {
    expect(await build('unknown')).toEqual([]);
  });
});
