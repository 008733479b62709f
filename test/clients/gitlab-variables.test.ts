/** The client of GitLab's CI/CD variables, held against the stand-in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGitLabVariables } from '../../src/clients/gitlab-variables.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';

let data: string;
let gitlab: GitLabStandIn;
let project: number;
let path: string;
let count = 0;

beforeAll(async () => {
  data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'variables-'));
  gitlab = await startGitLab({ data });
});
afterAll(async () => {
  await gitlab.stop();
  await rm(data, { recursive: true, force: true });
});
beforeEach(async () => {
  gitlab.faults.clear();
  path = `shop-${++count}/backend/cart`;
  project = (await gitlab.createProject({ path })).id;
});

const client = (token = gitlab.token) => createGitLabVariables({ url: gitlab.url, token });
const member = (accessLevel: number) =>
  gitlab.createUser({ username: `user-${count}-${accessLevel}`, projectId: project, accessLevel });
const set = (key: string, change: object = {}) =>
  gitlab.setVariable({ projectId: project, key, value: `value of ${key}`, ...change });

describe('variables', () => {
  it('are told with all that decides about them', async () => {
    set('PLAIN');
    set('SECRET', { value: 'hunter2-hunter2', masked: true, raw: true, scope: 'review/*' });
    set('HIDDEN', { value: 'hunter2-hunter2', hidden: true, protected: true });
    set('FILE', { type: 'file' });
    const plain = {
      type: 'env_var',
      isProtected: false,
      isMasked: false,
      isRaw: false,
      scope: '*',
    };
    expect(await client().ofProject(project)).toEqual([
      { ...plain, key: 'PLAIN', value: 'value of PLAIN' },
      {
        ...{ ...plain, key: 'SECRET', value: 'hunter2-hunter2' },
        ...{ isMasked: true, isRaw: true, scope: 'review/*' },
      },
      { ...plain, key: 'HIDDEN', value: null, isMasked: true, isProtected: true },
      { ...plain, key: 'FILE', value: 'value of FILE', type: 'file' },
    ]);
  });

  it('of older releases, which tell less, are read too', async () => {
    const body = [{ key: 'A', value: '$B', variable_type: 'env_var', protected: false }];
    gitlab.faults.add({ route: /\/variables/, status: 200, body });
    expect(await client().ofProject(project)).toMatchObject([
      { key: 'A', value: '$B', isMasked: false, isRaw: false, scope: '*' },
    ]);
  });

  it('come from all pages', async () => {
    for (let index = 0; index < 230; index++) set(`V${index}`);
    expect(await client().ofProject(project)).toHaveLength(230);
  });

  it('of groups are told by their paths, to owners', async () => {
    const [group = ''] = await client().groupsOf(project);
    gitlab.setVariable({ group, key: 'SHARED', value: 'x' });
    expect(await client().ofGroup(group)).toMatchObject([{ key: 'SHARED', value: 'x' }]);
    expect(await client().ofGroup(`${group}/backend`)).toEqual([]);
    expect(await client().ofGroup('nobody/knows')).toBeUndefined();
    const maintainer = member(40);
    gitlab.setMember({ group, userId: maintainer.id, accessLevel: 40 });
    expect(await client(maintainer.token).ofGroup(group)).toBeUndefined();
  });

  it('are told to maintainers', async () => {
    set('A');
    expect(await client(member(40).token).ofProject(project)).toHaveLength(1);
    expect(await client(member(30).token).ofProject(project)).toBeUndefined();
  });

  it.each([
    [500, 'E_GITLAB', true],
    [429, 'E_GITLAB', true],
    [401, 'E_GITLAB_TOKEN', true],
  ])('that GitLab answers with %i for are no empty list', async (status, code, retryable) => {
    gitlab.faults.add({ route: /\/variables/, status, body: { message: 'why' }, times: 2 });
    await expect(client().ofProject(project)).rejects.toMatchObject({ code, retryable });
    await expect(client().ofGroup('shop')).rejects.toMatchObject({ code, retryable });
  });

  it('of a project that is gone are no empty list either', async () => {
    await expect(client().ofProject(999_999)).rejects.toMatchObject({ status: 404 });
  });
});

describe('groups', () => {
  it('are named from the outermost on, after a move too', async () => {
    expect(await client().groupsOf(project)).toEqual([`shop-${count}`, `shop-${count}/backend`]);
    gitlab.renameProject(project, `store-${count}/cart`);
    expect(await client().groupsOf(project)).toEqual([`store-${count}`]);
  });

  it("are none for a person's own project", async () => {
    const body = { id: project, namespace: { kind: 'user', full_path: 'ada' } };
    gitlab.faults.add({ route: /\/projects\/\d+$/, status: 200, body });
    expect(await client().groupsOf(project)).toEqual([]);
  });
});

describe('isProtected', () => {
  const files = { Dockerfile: 'FROM scratch\n' };

  it('tells of branches', async () => {
    for (const branch of ['main', 'release/1', 'fix']) {
      await gitlab.commit(project, { branch, message: 'change', files });
    }
    gitlab.protect(project, { branches: ['main', 'release/*'] });
    const answers = ['main', 'release/1', 'fix', 'gone'].map((name) =>
      client().isProtected(project, `refs/heads/${name}`),
    );
    expect(await Promise.all(answers)).toEqual([true, true, false, false]);
  });

  it('tells of tags', async () => {
    expect(await client().isProtected(project, 'refs/tags/v1')).toBe(false);
    const body = { name: 'v1', commit: { id: 'x' }, protected: true };
    gitlab.faults.add({ route: /\/repository\/tags\/v1$/, status: 200, body });
    expect(await client().isProtected(project, 'refs/tags/v1')).toBe(true);
  });
});
