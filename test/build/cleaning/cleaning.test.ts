/** Cleaning on a real Docker and a real registry: what goes, and all that has to stay. */
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ConflictError } from '../../../src/core/errors.ts';
import { freePort } from '../../demo/free-ports.ts';
import { sampleRelease } from '../../support/samples.ts';
import { type CleaningRig, type Made, startCleaningHost } from './rig.ts';

let cleaningHost: Awaited<ReturnType<typeof startCleaningHost>>;
let rig: CleaningRig;

beforeAll(async () => {
  cleaningHost = await startCleaningHost();
});
afterAll(() => cleaningHost.stop());
beforeEach(() => {
  rig = cleaningHost.fresh();
});

/** Puts a file, or a folder, on top of an image, as a step does; answers the id of the new one. */
async function commitFile(
  from: string,
  { name, file, size }: { name: string; file: string; size: number },
): Promise<string> {
  const container = await rig.host.docker.createContainer({ Image: from, Cmd: ['x'] });
  const archive = pack();
  const type = file.endsWith('/') ? 'directory' : 'file';
  archive.entry({ name: file, type }, Buffer.alloc(type === 'file' ? size : 0));
  archive.finalize();
  await container.putArchive(Readable.from(archive), { path: '/' });
  const colon = name.lastIndexOf(':');
  await container.commit({ repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  await container.remove();
  return (await rig.host.docker.getImage(name).inspect()).Id;
}

describe('what nobody needs', () => {
  it('goes from the host and from the registry, with all its tags', async () => {
    const old = await rig.made();
    await rig.tag(old, `fp-${'0'.repeat(32)}`);
    await rig.tag(old, 'main');
    const report = await rig.clean();
    expect(report).toMatchObject({ dryRun: false, host: { notes: [] }, registry: { notes: [] } });
    expect(report.host?.removed).toEqual([
      {
        names: [`${rig.host.registry}/${rig.path}:sha-${old.sha.slice(0, 12)}`],
        bytes: expect.any(Number),
      },
    ]);
    expect(report.host?.bytes).toBeGreaterThan(10_000);
    expect(report.registry?.removed[0]?.names).toHaveLength(3);
    expect(report.registry?.bytes).toBeGreaterThan(1_000);
    expect(await rig.exists(old.id)).toBe(false);
    expect(await rig.tags()).toEqual([]);
    expect(await rig.registry.digest(rig.repository, old.digest)).toBeUndefined();
  });

  it('is told of in a dry run, with the same figures, and stays', async () => {
    const old = await rig.made();
    const told = await rig.clean({ dryRun: true });
    expect(told.dryRun).toBe(true);
    expect(await rig.exists(old.id)).toBe(true);
    expect(await rig.tags()).toHaveLength(1);
    const { dryRun, ...done } = await rig.clean();
    expect(told).toEqual({ dryRun: true, ...done });
    expect(dryRun).toBe(false);
  });

  it('counts a layer that stays with another image for nothing', async () => {
    const kept = await rig.made();
    await rig.stores.releases.create(sampleRelease({ app: '/kept', image: kept.image }));
    const twin = `${rig.host.registry}/${rig.path}:sha-${'e'.repeat(12)}`;
    await rig.host.docker
      .createContainer({ Image: kept.id, Cmd: ['x'], Labels: { 'ekiden.test': 'x' } })
      .then(async (container) => {
        await container.commit({
          repo: `${rig.host.registry}/${rig.path}`,
          tag: `sha-${'e'.repeat(12)}`,
        });
        await container.remove();
      });
    const report = await rig.clean();
    expect(report.host?.removed).toEqual([{ names: [twin], bytes: 0 }]);
    expect(report.host?.bytes).toBe(0);
  });

  it('counts what an image has by itself, also where steps made nothing or only a folder', async () => {
    const kept = await rig.made();
    await rig.stores.releases.create(sampleRelease({ app: '/kept', image: kept.image }));
    const name = `${rig.host.registry}/${rig.path}:sha-${'e'.repeat(12)}`;
    let parent = kept.id;
    for (const [file, size] of [
      ['folder/', 0],
      ['folder/own', 5_000],
    ] as const) {
      parent = await commitFile(parent, { name, file, size });
    }
    const { host } = await rig.clean({ dryRun: true });
    expect(host).toMatchObject({ removed: [{ names: [name], bytes: 5_000 }], bytes: 5_000 });
  });
});

describe('what stays', () => {
  const stays = async ({ id, digest }: Made) => {
    const report = await rig.clean();
    expect(report.host?.removed).toEqual([]);
    expect(report.registry?.removed ?? []).toEqual([]);
    expect(await rig.exists(id)).toBe(true);
    expect(await rig.registry.digest(rig.repository, digest)).toBe(digest);
  };

  it.each([
    ['an image without a label', 'other=1'],
    ['an image of another installation', 'ekiden.install=other'],
  ])('%s', async (_, labels) => stays(await rig.made({}, labels)));

  it('in the registry, an image of another project at the same path', async () => {
    const { digest } = await rig.made(
      {},
      `ekiden.install=${rig.install} ekiden.project=${rig.project + 1}`,
    );
    expect((await rig.clean()).registry?.removed ?? []).toEqual([]);
    expect(await rig.registry.digest(rig.repository, digest)).toBe(digest);
  });

  it('the image of a release that one can go back to', async () => {
    const image = await rig.made();
    await rig.stores.releases.create(sampleRelease({ image: image.image }));
    await stays(image);
  });

  it('the image of an app that Marathon runs', async () => {
    const image = await rig.made();
    await rig.marathon.putApp({
      id: '/shop/web',
      labels: { 'ekiden.install': rig.install },
      container: { docker: { image: image.image } },
    });
    await stays(image);
  });

  it('the newest image of a branch that is there', async () => {
    const image = await rig.made();
    const ref = 'refs/heads/main';
    await rig.stores.heads.claim({
      project: rig.project,
      ref,
      sha: image.sha,
      build: `b-${image.sha}`,
    });
    await stays(image);
  });

  it('the newest image of a branch, also where the project is pushed to while others are read', async () => {
    const image = await rig.made();
    const { project, stores } = rig;
    const [ref, build] = ['refs/heads/main', `b-${image.sha}`];
    await stores.heads.claim({ project, ref, sha: image.sha, build });
    for (let id = 1_000; id < 1_100; id++) await stores.knownProjects.note({ id, path: `x/${id}` });
    const list: typeof stores.builds.list = async (id, paging) => {
      await stores.knownProjects.note({ id: project, path: rig.path });
      return stores.builds.list(id, paging);
    };
    expect((await rig.clean({ builds: { list } })).host?.removed).toEqual([]);
    expect(await rig.exists(image.id)).toBe(true);
  });

  it('on the host, an image to which a build came while others were looked at', async () => {
    const image = await rig.made();
    const list: typeof rig.stores.builds.list = async (id, paging) => {
      const name = { repo: `${rig.host.registry}/${rig.path}`, tag: 'sha-dddddddddddd' };
      await rig.host.docker.getImage(image.id).tag(name);
      return rig.stores.builds.list(id, paging);
    };
    const report = await rig.clean({ builds: { list } });
    expect(report.host).toEqual({ removed: [], bytes: 0, notes: [] });
    expect(await rig.exists(image.id)).toBe(true);
  });

  it('on the host, an image of which nobody can tell the project', async () => {
    const { id } = await rig.made({}, `ekiden.install=${rig.install}`);
    expect((await rig.clean()).host?.removed).toEqual([]);
    expect(await rig.exists(id)).toBe(true);
  });

  it('the image of a build under way', async () => {
    await stays(await rig.made({ state: 'running' }));
  });

  it('on the host, the image that a container was made of', async () => {
    const { id } = await rig.made();
    const container = await rig.host.docker.createContainer({
      ...{ Image: id, Cmd: ['x'], Labels: rig.host.labels },
    });
    onTestFinished(() => container.remove());
    expect((await rig.clean()).host?.removed).toEqual([]);
    expect(await rig.exists(id)).toBe(true);
  });

  it('on the host, an image that somebody gave a name of their own', async () => {
    const { id } = await rig.made();
    await rig.host.docker.getImage(id).tag({ repo: `mine-${rig.install}`, tag: 'kept' });
    onTestFinished(() => rig.host.docker.getImage(`mine-${rig.install}:kept`).remove());
    expect((await rig.clean()).host?.removed).toEqual([]);
  });

  it('in the registry, an image that somebody gave a tag of their own', async () => {
    await rig.tag(await rig.made(), 'approved');
    expect((await rig.clean()).registry?.removed).toEqual([]);
    expect(await rig.tags()).toContain('approved');
  });

  it('what was made of late', async () => {
    const { id } = await rig.made({ createdAt: Date.now() });
    const report = await rig.clean({ after: 3_600_000 });
    expect([report.host?.removed, report.registry?.removed]).toEqual([[], []]);
    expect(await rig.exists(id)).toBe(true);
  });
});

describe('a part that is away', () => {
  it('Marathon or the registry: nothing goes', async () => {
    const old = await rig.made();
    rig.marathon.fail('apps', new Error('no Marathon'));
    await expect(rig.clean()).rejects.toThrow('no Marathon');
    expect(await rig.exists(old.id)).toBe(true);
    expect(await rig.tags()).toHaveLength(1);
  });

  it('the registry is said to be, and the host is cleaned', async () => {
    const away = `127.0.0.1:${await freePort()}/x`;
    const old = await rig.made({ image: `${away}@sha256:${'0'.repeat(64)}` });
    const report = await rig.clean();
    expect(report.registry?.notes).toEqual([
      expect.stringMatching(`^${away} stays: The registry .* does not answer`),
    ]);
    expect(await rig.exists(old.id)).toBe(false);
  });

  it('another host that cleans the registry: this one is cleaned all the same', async () => {
    const old = await rig.made();
    const locked = new ConflictError('Somebody else has worked on it.', { code: 'E_LOCKED' });
    const report = await rig.clean({ exclusively: () => Promise.reject(locked) });
    const notes = ['another host cleans it, or has for long'];
    expect(report.registry).toEqual({ removed: [], bytes: 0, notes });
    expect(await rig.exists(old.id)).toBe(false);
  });
});
