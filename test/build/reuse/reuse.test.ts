/** Images that are made already are not made again, and never taken for those of another commit. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDocker } from '../../../src/clients/docker.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { freePort } from '../../demo/free-ports.ts';
import type { FileContent } from '../../stand-ins/gitlab/gitlab.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { type Host, type Rig, short, startHost } from '../rig.ts';
import { makeTiny } from '../tiny-image.ts';
import { createBuilding } from './building.ts';

let buildHost: BuildHost;
let host: Host;
let rig: Rig;
let building: ReturnType<typeof createBuilding>;

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
  building = createBuilding(buildHost, rig);
});

const copying = (...lines: string[]) => [buildHost.from, ...lines, ''].join('\n');

describe('a commit that changes nothing the build can see', () => {
  it('gets the image that is there, without an archive and without Docker’s copy of it', async () => {
    const first = await building.build({
      Dockerfile: copying('COPY src /src', 'EXPOSE 9000 8000'),
      'src/a.txt': 'a',
      'README.md': 'one',
    });
    expect(first).toMatchObject({ record: { state: 'succeeded' } });
    expect(await building.fingerprints()).toHaveLength(1);
    rig.gitlab.faults.add({ route: /archive/, status: 500, times: 30 });
    for (const tag of [`sha-${short(first.sha)}`, 'main']) {
      await buildHost.docker.getImage(`${buildHost.registry}/${rig.path}:${tag}`).remove();
    }
    const second = await building.build({ 'README.md': 'two' });
    expect(second.log).toContain(`nothing changed since ${short(first.sha)}: image reused\n`);
    expect(second.legs).toEqual(['hook', 'queue', 'resolve', 'reuse']);
    expect(second.record).toMatchObject({
      state: 'succeeded',
      image: first.record?.image,
      plan: { services: [{ name: 'web', ports: [8000] }] },
    });
    const { digest } = building;
    expect(await digest(`sha-${short(second.sha)}`)).toBe(await digest(`sha-${short(first.sha)}`));
  });

  it('on another branch, and then merged, is promoted', async () => {
    const environments = 'environments: { production: main, preview: "*" }\n';
    const files = { Dockerfile: copying('COPY . /app'), '.ekiden.yml': environments };
    await rig.commit({ ...files, 'a.txt': 'a' });
    const preview = await building.build({ ...files, 'a.txt': 'better' }, { branch: 'feature' });
    expect(preview.legs).toContain('push');
    rig.gitlab.faults.add({ route: /archive/, status: 500, times: 30 });
    const parents = ['-p', 'main', '-p', 'feature'];
    const { stdout } = await rig.git('commit-tree', 'feature^{tree}', ...parents, '-m', 'Merge');
    await rig.git('update-ref', 'refs/heads/main', stdout.trim());
    const merged = await building.buildOf(await building.resolve(stdout.trim()));
    expect(merged.record).toMatchObject({ state: 'succeeded', image: preview.record?.image });
    expect(await building.digest('main')).toBe(await building.digest('feature'));
  });

  it('gives no fingerprint to what an earlier try made of what there was then', async () => {
    const sha = await rig.commit({ Dockerfile: copying('COPY a.txt /'), 'a.txt': 'a' });
    const id = await building.resolve(sha);
    const name = `${buildHost.registry}/${rig.path}:sha-${short(sha)}`;
    const changes = [`LABEL ekiden.test=${buildHost.labels['ekiden.test']}`, 'EXPOSE 8080'];
    const made = await makeTiny({ docker: buildHost.docker, name, changes });
    await rig.stores.builds.update(id, { made });
    const { record, log } = await building.buildOf(id);
    expect(record).toMatchObject({ state: 'succeeded' });
    expect(log).toContain('the image is made already');
    expect(await building.fingerprints()).toEqual([]);
  });

  it('is built anew where a person asks for that, and serves the next', async () => {
    const files = { Dockerfile: copying('COPY . /app', 'RUN date +%N > /time'), 'a.txt': 'a' };
    const first = await building.build(files);
    const anew = await building.build(
      { ...files, Dockerfile: files.Dockerfile },
      { noCache: true },
    );
    expect(anew.legs).toContain('push');
    expect(anew.record?.image).not.toBe(first.record?.image);
    const next = await building.build(files);
    expect(next.record?.image).toBe(anew.record?.image);
  });
});

describe('a commit that changes', () => {
  it('what the build can see is built', async () => {
    const files = { Dockerfile: copying('COPY src /src'), 'src/a.txt': 'a' };
    const first = await building.build(files);
    const second = await building.build({ 'src/a.txt': 'b' });
    expect([first, second].map(({ legs }) => legs.includes('push'))).toEqual([true, true]);
    expect(second.record?.image).not.toBe(first.record?.image);
    expect(await building.fingerprints()).toHaveLength(2);
  });

  it('the args of its manifest is built', async () => {
    await building.build({ Dockerfile: copying('ARG MODE=x', 'LABEL mode=$MODE') });
    const second = await building.build({ '.ekiden.yml': 'build: { args: { MODE: y } }\n' });
    expect(second.legs).toContain('push');
  });
});

it('asks GitLab once for what several steps look at', async () => {
  const tree = vi.fn(rig.client.tree);
  const file = vi.fn(rig.client.file);
  const gitlab = { ...rig.client, tree, file };
  const files = { Dockerfile: copying('COPY src/a.txt /'), 'src/a.txt': 'a', '.dockerignore': 'x' };
  const { record } = await building.build(files, { gitlab });
  expect(record?.state).toBe('succeeded');
  for (const { mock } of [tree, file]) {
    const asked = mock.calls.map((call) => JSON.stringify(call));
    expect(asked.sort()).toEqual([...new Set(asked)].sort());
  }
  expect(tree).toHaveBeenCalled();
});

describe('a base image that moves while the build goes on', () => {
  it('leaves no fingerprint: Docker may have taken one or the other', async () => {
    const base = `${buildHost.registry}/base-${crypto.randomUUID()}:1`;
    const label = `LABEL ekiden.test=${buildHost.labels['ekiden.test']}`;
    const { docker } = buildHost;
    await makeTiny({ docker, name: base, changes: [label] });
    let isMoved = false;
    const moving: typeof rig.client.archive = async (project, options) => {
      if (!isMoved) await makeTiny({ docker, name: base, changes: [label] });
      isMoved = true;
      return rig.client.archive(project, options);
    };
    const gitlab = { ...rig.client, archive: moving };
    const files = { Dockerfile: `FROM ${base}\n${label}\nCOPY . /\n` };
    const { record } = await building.build(files, { gitlab });
    expect([isMoved, record?.state]).toEqual([true, 'succeeded']);
    expect(await building.fingerprints()).toEqual([]);
  });
});

describe('nobody can tell what is made', () => {
  it.each<[string, string[], FileContent, string]>([
    ['the Dockerfile asks for it', ['# ekiden: always'], '', 'built anew: the Dockerfile says # e'],
    [
      'files hold the commit',
      ['COPY src /'],
      'x export-subst',
      'not kept for other builds: its fi',
    ],
  ])('where %s', async (_, lines, attributes, reason) => {
    const files = { Dockerfile: copying(...lines), 'src/deep/.gitattributes': attributes };
    const { log, record } = await building.build({ ...files, 'src/deep/x': '$Format:%H$' });
    expect(log).toContain(reason);
    expect(record?.state).toBe('succeeded');
    expect(await building.fingerprints()).toEqual([]);
  });
});

describe('a part that is away', () => {
  it('a registry that takes no tag for what it shows: the image is made and pushed anew', async () => {
    const files = { Dockerfile: copying('COPY . /'), 'a.txt': 'a' };
    await building.build(files);
    const { registryClient } = building;
    let isRefused = false;
    const putManifest: typeof registryClient.putManifest = async (...asked) => {
      if (isRefused) return registryClient.putManifest(...asked);
      isRefused = true;
      throw new RemoteError('MANIFEST_BLOB_UNKNOWN', { code: 'E_REGISTRY', retryable: false });
    };
    const change = { registryClient: { ...registryClient, putManifest } };
    const { log, record, legs } = await building.build(files, change);
    expect(log).toContain('built anew: MANIFEST_BLOB_UNKNOWN\n');
    expect([record?.state, legs.includes('push')]).toEqual(['succeeded', true]);
  });

  it('the registry, when it is asked: the reason is told, and Docker says the rest', async () => {
    const registry = `127.0.0.1:${await freePort()}`;
    const { log, record } = await building.build({ Dockerfile: copying() }, { registry });
    expect(log).toMatch(/built anew: The registry 127\.0\.0\.1:\d+ does not answer/);
    expect(record).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('did not take'),
    });
  });

  it('Docker: what it has cannot be told', async () => {
    const docker = connectDocker(`tcp://127.0.0.1:${await freePort()}`);
    const { log, record } = await building.build({ Dockerfile: copying() }, { docker });
    expect(log).toMatch(/built anew: Docker tells nothing about itself: .*ECONNREFUSED/);
    expect(record?.state).toBe('failed');
  });
});

describe('a build that is given up', () => {
  const files = () => ({ Dockerfile: copying('COPY . /'), 'a.txt': 'old' });
  const reason = 'given up';

  it.each([
    ['made anew', 'newest'],
    ['reused', 'old'],
  ])('leaves the tag of its branch when its turn comes: %s', async (_, text) => {
    await building.build(files());
    const { record } = await building.build({ 'a.txt': 'new' });
    const id = await building.resolve(await rig.commit({ 'a.txt': text }));
    const cancel = new AbortController();
    let turn: Promise<unknown> | undefined;
    const exclusively = <T>(_name: string, work: () => Promise<T>) => {
      cancel.abort(new Error(reason));
      const done = work();
      turn = done;
      return done;
    };
    const { signal } = cancel;
    await expect(building.buildOf(id, { signal, exclusively })).rejects.toThrow(reason);
    await expect(turn).rejects.toThrow(reason);
    expect(await building.digest('main')).toBe(record?.image?.split('@')[1]);
  });

  it('does not begin when it was about to', async () => {
    const id = await building.resolve(await rig.commit(files()));
    const { builds } = rig.stores;
    const cancel = new AbortController();
    const dockerfile = vi.fn(builds.dockerfile);
    const start = async (id: string) => {
      const isStarted = await builds.start(id);
      cancel.abort(new Error(reason));
      return isStarted;
    };
    const change = { signal: cancel.signal, builds: { ...builds, dockerfile, start } };
    await expect(building.buildOf(id, change)).rejects.toThrow(reason);
    expect(dockerfile).not.toHaveBeenCalled();
  });

  it('takes no image that was found for it just then', async () => {
    await building.build(files());
    const id = await building.resolve(await rig.commit(files(), 'the same again'));
    const { registryClient } = building;
    const { builds } = rig.stores;
    const cancel = new AbortController();
    const list = vi.fn(builds.list);
    const config: typeof registryClient.config = async (...asked) => {
      const found = await registryClient.config(...asked);
      cancel.abort(new Error(reason));
      return found;
    };
    const change = { registryClient: { ...registryClient, config }, builds: { ...builds, list } };
    await expect(building.buildOf(id, { ...change, signal: cancel.signal })).rejects.toThrow(
      reason,
    );
    expect(cancel.signal.aborted).toBe(true);
    expect(list).not.toHaveBeenCalled();
  });
});
