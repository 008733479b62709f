/** The first leg when something is wrong, is asked twice, or the branch is gone. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dockerfile, type Host, type Rig, startHost } from './rig.ts';

let host: Host;
let rig: Rig;

beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
});

describe('what the developer has to mend', () => {
  it.each([
    [
      'the manifest',
      { ...dockerfile, '.ekiden.yml': 'services:\n  web:\n    mem: lots\n' },
      /^\.ekiden\.yml:3: services\.web\.mem: /,
    ],
    [
      'an INCLUDE',
      { Dockerfile: 'FROM scratch\nINCLUDE nothing.dockerfile\n' },
      /^Dockerfile:2:\d+: .*nothing\.dockerfile/,
    ],
    [
      'ten thousand instances',
      { ...dockerfile, '.ekiden.yml': 'services: { web: { instances: 10000 } }\n' },
      /^\.ekiden\.yml:1: services\.web\.instances: 10000 is above 100, .*EKIDEN_MAX_INSTANCES/,
    ],
    ['no Dockerfile', { 'README.md': 'x' }, /Dockerfile/],
  ])(
    '%s fails at once, and the older build is superseded all the same',
    async (_, files, reason) => {
      await rig.resolve(rig.push('b1', await rig.commit({ first: 'x', ...dockerfile })));
      const removed = 'Dockerfile' in files ? {} : { Dockerfile: null };
      const sha = await rig.commit({ ...removed, ...files });
      expect(await rig.resolve(rig.push('b2', sha))).toEqual([
        { type: 'build.superseded', build: 'b1' },
        { type: 'build.failed', build: 'b2' },
      ]);
      const failed = await rig.endOf('b2');
      expect(failed.state).toBe('failed');
      expect(failed.reason).toMatch(reason);
      expect((await rig.stores.builds.find('b2'))?.legs.at(-1)).toMatchObject({
        name: 'resolve',
        end: expect.any(Number),
      });
      expect(rig.cancelled).toHaveLength(1);
    },
  );
});

describe('when GitLab does not answer well', () => {
  it.each([500, 503, 429])(
    '%i is thrown for another try, and the try after it succeeds',
    async (status) => {
      const sha = await rig.commit();
      await rig.resolve(rig.push('b1', sha));
      const head = await rig.commit({ more: 'x' });
      rig.gitlab.faults.add({ route: /files\/Dockerfile/, status, times: 20 });
      await expect(rig.resolve(rig.push('b2', head))).rejects.toMatchObject({ retryable: true });
      expect(await rig.endOf('b2')).toMatchObject({
        state: 'queued',
        reason: expect.stringMatching(/^waits to be tried again( in \d+ s)?: GitLab/),
      });
      rig.gitlab.faults.clear();
      expect(await rig.resolve(rig.push('b2', head))).toEqual([
        { type: 'build.superseded', build: 'b1' },
        { type: 'build.resolved', build: 'b2' },
      ]);
      expect((await rig.endOf('b2')).reason).toBeUndefined();
    },
  );

  it('the last try ends as failed, with the reason', async () => {
    const sha = await rig.commit();
    rig.gitlab.faults.add({ route: /\/api\/v4\/projects\/\d+$/, status: 500, times: 20 });
    expect(await rig.resolve(rig.push('b1', sha), true)).toEqual([
      { type: 'build.failed', build: 'b1' },
    ]);
    expect((await rig.endOf('b1')).reason).toMatch(/^GitLab, asked for project \d+: /);
  });

  it('a project that the token may not see fails at once, with what to check', async () => {
    const unseen = rig.push('b1', 'a'.repeat(40), { project: 4711 });
    expect(await rig.resolve(unseen)).toEqual([{ type: 'build.failed', build: 'b1' }]);
    expect((await rig.endOf('b1')).reason).toMatch(/does GITLAB_TOKEN see the project\?$/);
  });
});

describe('asked again after a crash', () => {
  it.each([
    ['skipped', 'build.skipped'],
    ['failed', 'build.failed'],
    ['superseded', 'build.superseded'],
    ['succeeded', 'image.pushed'],
  ] as const)('a build that is %s hands %s on again', async (state, type) => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    await rig.stores.builds.end('b1', state, 'why');
    expect(await rig.resolve(rig.push('b1', sha))).toEqual([{ type, build: 'b1' }]);
  });

  it('a build that was planned is planned again, without stopping itself', async () => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    expect(await rig.resolve(rig.push('b1', sha))).toEqual([
      { type: 'build.resolved', build: 'b1' },
    ]);
    expect((await rig.stores.builds.find('b1'))?.order).toBe(1);
    expect(rig.cancelled).toEqual([]);
  });
});

describe('a deleted branch', () => {
  const deleted = () =>
    rig.resolver.abandon({ type: 'ref.deleted', project: rig.project, ref: 'refs/heads/x' });
  const pushed = async (): Promise<string> => {
    const manifest = { ...dockerfile, '.ekiden.yml': 'environments: { preview: "*" }\n' };
    const sha = await rig.commit(manifest, 'x', 'x');
    await rig.resolve(rig.push('b1', sha, { ref: 'refs/heads/x' }));
    return sha;
  };

  it('stops its build', async () => {
    await rig.commit();
    await pushed();
    await rig.git('update-ref', '-d', 'refs/heads/x');
    expect(await deleted()).toEqual([{ type: 'build.superseded', build: 'b1' }]);
    expect(await rig.endOf('b1')).toEqual({ state: 'superseded', reason: 'x was deleted' });
    expect(rig.cancelled).toEqual(['b1: x was deleted']);
    expect(await rig.stores.heads.current(rig.project, 'refs/heads/x')).toBeUndefined();
    expect(await deleted()).toEqual([]);
  });

  it('that GitLab shows again keeps its build', async () => {
    const sha = await pushed();
    expect(await deleted()).toEqual([]);
    expect(await rig.endOf('b1')).toMatchObject({ state: 'queued' });
    expect(await rig.stores.heads.current(rig.project, 'refs/heads/x')).toEqual({
      build: 'b1',
      sha,
    });
  });
});
