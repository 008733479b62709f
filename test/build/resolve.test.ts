/** The first leg against the stand-in GitLab and the real stores: what a push means now. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sampleDeploy } from '../support/samples.ts';
import { dockerfile, type Host, type Rig, short, startHost } from './rig.ts';

const ref = 'refs/heads/main';

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

describe('a push to the head of a branch', () => {
  it('is planned, with every default', async () => {
    const sha = await rig.commit();
    expect(await rig.resolve(rig.push('b1', sha))).toEqual([
      { type: 'build.resolved', build: 'b1' },
    ]);
    const build = await rig.stores.builds.find('b1');
    expect(build).toMatchObject({
      project: rig.project,
      projectPath: rig.path,
      ref,
      sha,
      state: 'queued',
      order: 1,
      plan: {
        environments: ['production'],
        services: [{ name: 'web' }],
        deploy: sampleDeploy,
        jobs: [],
        dockerfile: 'Dockerfile',
        context: '',
        args: {},
        fragments: [],
        warnings: [],
      },
    });
    expect(build?.legs.map(({ name }) => name)).toEqual(['hook', 'queue', 'resolve']);
    expect(build?.legs[0]).toEqual({ name: 'hook', start: 1_000, end: 1_010 });
    expect((await rig.stores.builds.dockerfile('b1'))?.bytes.toString()).toBe('FROM scratch\n');
    expect(await rig.stores.heads.current(rig.project, ref)).toEqual({ build: 'b1', sha });
  });

  it('keeps what INCLUDE brought', async () => {
    const sha = await rig.commit({
      Dockerfile: 'INCLUDE docker/base.dockerfile\nUSER nobody\n',
      'docker/base.dockerfile': 'FROM scratch\n',
    });
    await rig.resolve(rig.push('b1', sha));
    const build = await rig.stores.builds.find('b1');
    expect(build?.plan?.fragments).toEqual([
      {
        source: 'docker/base.dockerfile',
        file: 'docker/base.dockerfile',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect((await rig.stores.builds.dockerfile('b1'))?.bytes.toString()).toBe(
      'FROM scratch\nUSER nobody\n',
    );
  });

  it('is found under any name that git allows', async () => {
    const manifest = { ...dockerfile, '.ekiden.yml': 'environments: { production: "*" }\n' };
    for (const name of ['feature/x', 'ä#1+%20', 'a.b-c_d/@e']) {
      const sha = await rig.commit(manifest, 'odd', name);
      const id = `odd-${short(sha)}`;
      const events = await rig.resolve(rig.push(id, sha, { ref: `refs/heads/${name}` }));
      expect(events).toEqual([{ type: 'build.resolved', build: id }]);
    }
  });

  it('does not mind a commit message of a megabyte', async () => {
    const sha = await rig.commit(dockerfile, `long\n\n${'words '.repeat(175_000)}`);
    expect(await rig.resolve(rig.push('b1', sha))).toMatchObject([{ type: 'build.resolved' }]);
  });

  it('waits out a GitLab that still shows the commit before', async () => {
    const before = await rig.commit();
    rig.gitlab.faults.lagBranches(250);
    const sha = await rig.commit({ more: 'x' });
    expect(await rig.resolve(rig.push('b1', sha, { before }))).toMatchObject([
      { type: 'build.resolved' },
    ]);
  });

  it('waits out a GitLab that does not show a new branch yet', async () => {
    rig.gitlab.faults.add({ route: /repository\/branches\/main/, status: 404, times: 2 });
    const sha = await rig.commit();
    expect(await rig.resolve(rig.push('b1', sha))).toMatchObject([{ type: 'build.resolved' }]);
  });
});

describe('a tag', () => {
  it('that is annotated has its commit as head', async () => {
    const sha = await rig.commit({
      ...dockerfile,
      '.ekiden.yml': 'environments: { live: { tags: v* } }\n',
    });
    await rig.git('tag', '-a', '-m', 'annotated', 'v1', sha);
    const tagged = rig.push('b1', sha, { ref: 'refs/tags/v1' });
    expect(await rig.resolve(tagged)).toEqual([{ type: 'build.resolved', build: 'b1' }]);
    expect((await rig.stores.builds.find('b1'))?.plan?.environments).toEqual(['live']);
  });
});

describe('a push that is not built', () => {
  it('has been overtaken: its head is looked after', async () => {
    const old = await rig.commit();
    const head = await rig.commit({ more: 'x' });
    expect(await rig.resolve(rig.push('b1', old))).toEqual([
      { type: 'head.moved', build: 'b1', project: rig.project, ref, before: old, sha: head },
      { type: 'build.superseded', build: 'b1' },
    ]);
    const reason = `superseded by ${short(head)}`;
    expect(await rig.endOf('b1')).toEqual({ state: 'superseded', reason });
  });

  it('is of a branch that is gone', async () => {
    const sha = await rig.commit();
    const gone = rig.push('b1', sha, { ref: 'refs/heads/gone' });
    expect(await rig.resolve(gone)).toEqual([{ type: 'build.skipped', build: 'b1' }]);
    expect(await rig.endOf('b1')).toEqual({ state: 'skipped', reason: 'gone is gone' });
  });

  it.each([
    [
      'without rules, another branch',
      {},
      'no environment takes other: without rules only the default branch is built',
    ],
    [
      'with rules, a branch of none',
      { '.ekiden.yml': 'environments: { production: main }\n' },
      'no environment takes other: environments in .ekiden.yml',
    ],
  ])('goes nowhere: %s', async (_, files, reason) => {
    await rig.commit();
    const sha = await rig.commit({ ...dockerfile, ...files }, 'other', 'other');
    const other = rig.push('b1', sha, { ref: 'refs/heads/other' });
    expect(await rig.resolve(other)).toEqual([{ type: 'build.skipped', build: 'b1' }]);
    expect(await rig.endOf('b1')).toEqual({ state: 'skipped', reason });
  });

  it('is of a commit that is built already', async () => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    await rig.stores.queues.build.add({ build: 'b1' }, { id: 'b1' });
    expect(await rig.resolve(rig.push('b2', sha))).toEqual([]);
    expect(await rig.endOf('b2')).toEqual({
      state: 'skipped',
      reason: 'build b1 makes this commit already',
    });
    expect(await rig.endOf('b1')).toMatchObject({ state: 'queued' });
    expect(rig.cancelled).toEqual([]);
  });

  it('is not of a commit whose build is lost, with a Redis that lost its last second', async () => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    await rig.stores.queues.build.remove('b1');
    expect(await rig.resolve(rig.push('b2', sha))).toEqual([
      { type: 'build.superseded', build: 'b1' },
      { type: 'build.resolved', build: 'b2' },
    ]);
  });
});

describe('of two commits of a branch', () => {
  it('the newer cancels the older', async () => {
    const old = await rig.commit();
    await rig.resolve(rig.push('b1', old));
    const sha = await rig.commit({ more: 'x' });
    const reason = `superseded by ${short(sha)}`;
    expect(await rig.resolve(rig.push('b2', sha))).toEqual([
      { type: 'build.superseded', build: 'b1' },
      { type: 'build.resolved', build: 'b2' },
    ]);
    expect(await rig.endOf('b1')).toEqual({ state: 'superseded', reason });
    expect(rig.cancelled).toEqual([`b1: ${reason}`]);
    expect((await rig.stores.builds.find('b2'))?.order).toBe(2);
  });

  it('the older does not stop the newer when its hook comes late', async () => {
    const old = await rig.commit();
    const sha = await rig.commit({ more: 'x' });
    await rig.resolve(rig.push('b2', sha, { before: old }));
    expect(await rig.resolve(rig.push('b1', old))).toMatchObject([
      { type: 'head.moved', sha },
      { type: 'build.superseded', build: 'b1' },
    ]);
    expect(await rig.endOf('b2')).toMatchObject({ state: 'queued' });
    expect(await rig.stores.heads.current(rig.project, ref)).toEqual({ build: 'b2', sha });
    expect(rig.cancelled).toEqual([]);
    const look = rig.push('b3', sha, { cause: 'reconcile' });
    expect(await rig.resolve(look)).toEqual([]);
    expect(await rig.stores.builds.find('b3')).toBeUndefined();
  });

  it('the older does not take the ref back when GitLab is slow about its files', async () => {
    const old = await rig.commit();
    const held = rig.hold('Dockerfile');
    const slow = rig.resolve(rig.push('b1', old));
    await expect.poll(held.isTaken).toBe(true);
    const sha = await rig.commit({ more: 'x' });
    await rig.resolve(rig.push('b2', sha, { before: old }));
    held.letGo();
    expect(await slow).toMatchObject([{ type: 'head.moved', sha }, { type: 'build.superseded' }]);
    expect(await rig.stores.heads.current(rig.project, ref)).toEqual({ build: 'b2', sha });
    expect(await rig.endOf('b2')).toMatchObject({ state: 'queued' });
  });

  it('the newer is built without a hook', async () => {
    const sha = await rig.commit();
    const look = rig.push('b1', sha, { cause: 'reconcile' });
    expect(await rig.resolve(look)).toEqual([{ type: 'build.resolved', build: 'b1' }]);
  });

  it('a finished build of the older is left alone', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    await rig.stores.builds.end('b1', 'succeeded');
    const sha = await rig.commit({ more: 'x' });
    expect(await rig.resolve(rig.push('b2', sha))).toEqual([
      { type: 'build.resolved', build: 'b2' },
    ]);
    expect(rig.cancelled).toEqual([]);
  });
});
