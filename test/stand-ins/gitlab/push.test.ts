/** Pushes with the real git client, and the events that follow. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refsThatFire } from './push.ts';
import { parsePushOptions } from './push-options.ts';
import { ZERO_SHA } from './repository.ts';
import { type Rig, startRig } from './rig.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);

describe('refsThatFire', () => {
  const change = (ref: string, before: string, after: string) => ({ ref, before, after });
  const created = (name: string) => change(`refs/heads/${name}`, ZERO_SHA, A);
  const updated = (name: string) => change(`refs/heads/${name}`, A, B);
  const tagged = (name: string) => change(`refs/tags/${name}`, ZERO_SHA, A);
  const cases = [
    { desc: 'three new branches', changes: ['a', 'b', 'c'].map(created), fires: 3 },
    { desc: 'four new branches', changes: ['a', 'b', 'c', 'd'].map(created), fires: 0 },
    {
      desc: 'three new and three updated branches',
      changes: [...['a', 'b', 'c'].map(created), ...['d', 'e', 'f'].map(updated)],
      fires: 6,
    },
    {
      desc: 'four new branches and a tag',
      changes: [...['a', 'b', 'c', 'd'].map(created), tagged('v1')],
      fires: 1,
    },
  ];
  it.each(cases)('$desc: $fires events', ({ changes, fires }) => {
    expect(refsThatFire(changes)).toHaveLength(fires);
  });

  it('tells branches before tags', () => {
    const refs = refsThatFire([tagged('v1'), created('main')]).map(({ ref }) => ref);
    expect(refs).toEqual(['refs/heads/main', 'refs/tags/v1']);
  });
});

describe('parsePushOptions', () => {
  it.each([
    [['ci.skip'], { ci: { skip: true } }],
    [['ci.variable=A=1', 'ci.variable=A=1'], { ci: { variable: { 'A=1': 2 } } }],
    [['mr.create', 'merge_request.title=Hi'], { merge_request: { create: true, title: 'Hi' } }],
    [['unknown', 'ci.unknown', 'other.skip'], {}],
  ])('%j', (options, parsed) => {
    expect(parsePushOptions(options)).toEqual(parsed);
  });
});

describe('git push', () => {
  let rig: Rig;
  let projectId: number;
  let httpUrl: string;

  beforeEach(async () => {
    rig = await startRig();
    ({ id: projectId, httpUrl } = await rig.gitlab.createProject({ path: 'shop/web' }));
    rig.gitlab.addHook(projectId, { url: rig.hookUrl, tagPushEvents: true });
  });
  afterEach(async () => {
    await rig.stop();
  });

  /** Pushes, waits for the events and answers the new ones. */
  async function push(...args: string[]): Promise<Record<string, unknown>[]> {
    const before = rig.received.length;
    await rig.git('push', '--quiet', ...args.slice(0, -1), httpUrl, ...args.slice(-1));
    await rig.gitlab.idle();
    return rig.received.slice(before).map(({ body }) => body);
  }

  it('sends the first push of a branch with all its commits, oldest first', async () => {
    const first = await rig.commitAll({ a: '1', 'dir/b': '1' }, 'one');
    const second = await rig.commitAll({ a: '2' }, 'two');
    const [event] = await push('main');
    expect(event).toMatchObject({
      object_kind: 'push',
      ref: 'refs/heads/main',
      before: ZERO_SHA,
      after: second,
      checkout_sha: second,
      user_username: 'root',
      project_id: projectId,
      total_commits_count: 2,
      commits: [
        { id: first, added: ['a', 'dir/b'], modified: [], removed: [] },
        { id: second, message: 'two\n', title: 'two', modified: ['a'] },
      ],
      push_options: {},
    });
  });

  it('names the default branch by the first push', async () => {
    await rig.commitAll({ a: '1' }, 'one');
    await push('HEAD:trunk');
    const { json } = await rig.api(`/projects/${projectId}`);
    expect(json).toMatchObject({ default_branch: 'trunk', empty_repo: false });
  });

  it('lists at most the 20 newest commits', async () => {
    await rig.commitAll({ a: '0' }, 'start');
    await push('main');
    for (let n = 1; n <= 23; n += 1)
      await rig.git('commit', '--quiet', '--allow-empty', '-m', `${n}`);
    const [event] = await push('main');
    const titles = (event?.['commits'] as { title: string }[] | undefined)?.map(
      ({ title }) => title,
    );
    expect(titles).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 4)));
    expect(event?.['total_commits_count']).toBe(23);
  });

  it('tells of a branch without commits of its own, of a forced push and of a deletion', async () => {
    const first = await rig.commitAll({ a: '1' }, 'one');
    const second = await rig.commitAll({ a: '2' }, 'two');
    await push('main');
    expect(await push('main:topic')).toMatchObject([
      { ref: 'refs/heads/topic', before: ZERO_SHA, after: second, commits: [] },
    ]);
    await rig.git('reset', '--quiet', '--hard', first);
    expect(await push('--force', 'main:topic')).toMatchObject([
      { before: second, after: first, commits: [], total_commits_count: 0 },
    ]);
    expect(await push(':topic')).toMatchObject([
      { ref: 'refs/heads/topic', before: first, after: ZERO_SHA, checkout_sha: null, commits: [] },
    ]);
  });

  it('tells annotated tags from light ones', async () => {
    const sha = await rig.commitAll({ a: '1' }, 'one');
    await rig.git('tag', '-a', 'v1', '-m', 'First release');
    await rig.git('tag', 'light');
    await push('main');
    const object = await rig.git('rev-parse', 'v1');
    expect(object).not.toBe(sha);
    expect(await push('v1')).toMatchObject([
      { object_kind: 'tag_push', after: object, checkout_sha: sha, message: 'First release' },
    ]);
    expect(await push('light')).toMatchObject([{ after: sha, checkout_sha: sha, message: '' }]);
    expect(await push(':v1')).toMatchObject([
      { object_kind: 'tag_push', before: object, after: ZERO_SHA, checkout_sha: null },
    ]);
  });

  it('carries push options, and sends nothing for four new branches at once', async () => {
    await rig.commitAll({ a: '1' }, 'one');
    const [event] = await push('-o', 'ci.skip', '-o', 'ci.variable=A=1', 'main');
    expect(event?.['push_options']).toEqual({ ci: { skip: true, variable: { 'A=1': 1 } } });
    for (const name of ['b1', 'b2', 'b3', 'b4']) await rig.git('branch', name);
    expect(await push('--all')).toEqual([]);
  });

  it('keeps the order of pushes and hears of commits made on the server', async () => {
    const files = { Dockerfile: 'FROM scratch\n', run: { executable: '#!/bin/sh\n' } };
    const first = await rig.gitlab.commit(projectId, { branch: 'main', files, message: 'one' });
    const second = await rig.gitlab.commit(projectId, {
      branch: 'main',
      files: { Dockerfile: null, link: { symlink: 'run' } },
      message: 'two',
    });
    await rig.gitlab.idle();
    expect(rig.received.map(({ body }) => body)).toMatchObject([
      { before: ZERO_SHA, after: first },
      { before: first, after: second, commits: [{ added: ['link'], removed: ['Dockerfile'] }] },
    ]);
  });

  it('takes a push of megabytes, which git sends in chunks, and gives it back', async () => {
    const big = randomBytes(2_000_000).toString('hex');
    const sha = await rig.commitAll({ big }, 'big');
    expect(await push('main')).toMatchObject([{ after: sha }]);
    await rig.git('clone', '--quiet', httpUrl, '../clone');
    expect(await rig.git('-C', '../clone', 'rev-parse', 'HEAD')).toBe(sha);
    await rig.git('fetch', '--quiet', '--depth=1', httpUrl, sha);
    expect(await rig.git('rev-parse', 'FETCH_HEAD')).toBe(sha);
  });

  it('tells two pushes at once apart', async () => {
    await rig.commitAll({ a: '1' }, 'one');
    await push('main');
    await Promise.all([push('-o', 'ci.skip', 'main:b1'), push('main:b2')]);
    const options = rig.received.map(({ body }) => [body['ref'], body['push_options']]);
    expect(new Map(options as [string, unknown][])).toEqual(
      new Map<string, unknown>([
        ['refs/heads/main', {}],
        ['refs/heads/b1', { ci: { skip: true } }],
        ['refs/heads/b2', {}],
      ]),
    );
  });

  it('stops in the middle of a delivery', async () => {
    rig.answer.never = true;
    const change = { branch: 'main', files: { a: '1' }, message: 'one' };
    await rig.gitlab.commit(projectId, change);
    await expect.poll(() => rig.received).toHaveLength(1);
    await rig.gitlab.stop();
    await expect(rig.api('/version')).rejects.toThrow(/fetch failed/);
  });

  it('refuses a wrong token, an unknown project and who may only look', async () => {
    await rig.commitAll({ a: '1' }, 'one');
    const reporter = rig.gitlab.createUser({ username: 'eve', projectId, accessLevel: 20 });
    const stranger = rig.gitlab.createUser({ username: 'mallory' });
    const as = (token: string) => httpUrl.replace(/:[^:@]+@/, `:${token}@`);
    const attempt = (url: string) => rig.git('push', '--quiet', url, 'main');
    await expect(attempt(as('wrong'))).rejects.toThrow(/Authentication failed/);
    await expect(attempt(httpUrl.replace('shop/web', 'shop/none'))).rejects.toThrow(/not found/);
    await expect(attempt(as(stranger.token))).rejects.toThrow(/not found/);
    await expect(attempt(as(reporter.token))).rejects.toThrow(/403/);
    expect(await rig.git('ls-remote', as(reporter.token))).toBe('');
  });
});
