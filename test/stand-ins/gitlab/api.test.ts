/** The REST API: who may ask, and what is answered. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';

let rig: Rig;
let projectId: number;
let sha: string;

beforeEach(async () => {
  rig = await startRig();
  ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/back/web' }));
  sha = await rig.gitlab.commit(projectId, {
    branch: 'main',
    message: 'one',
    files: { 'dir/a.txt': 'hello\n', link: { symlink: 'dir/a.txt' }, binary: Buffer.from([0, 1]) },
  });
});
afterEach(async () => {
  await rig.stop();
});

describe('who may ask', () => {
  it.each(['', 'wrong'])('token %j is unauthorized', async (token) => {
    const answer = await rig.api(`/projects/${projectId}`, { token });
    expect(answer).toMatchObject({ status: 401, json: { message: '401 Unauthorized' } });
  });

  it('tells why an old token ended', async () => {
    const { token } = rig.gitlab.createUser({ username: 'dev' });
    expect(await rig.api('/user', { token })).toMatchObject({ json: { username: 'dev' } });
    rig.gitlab.endToken(token, 'revoked');
    expect(await rig.api('/user', { token })).toMatchObject({
      status: 401,
      json: { error: 'invalid_token', error_description: expect.stringContaining('revoked') },
    });
  });

  it('takes a bearer token as well', async () => {
    const headers = { Authorization: `Bearer ${rig.gitlab.token}` };
    const response = await fetch(`${rig.gitlab.url}/api/v4/version`, { headers });
    expect(await response.json()).toMatchObject({ version: '19.1.0' });
  });

  it('hides what a user may not see, and forbids what the role does not allow', async () => {
    const stranger = rig.gitlab.createUser({ username: 'mallory' });
    const reporter = rig.gitlab.createUser({ username: 'rep', projectId, accessLevel: 20 });
    const hidden = { status: 404, json: { message: '404 Project Not Found' } };
    expect(await rig.api('/projects/99')).toMatchObject(hidden);
    expect(await rig.api(`/projects/${projectId}`, { token: stranger.token })).toMatchObject(
      hidden,
    );
    expect((await rig.api('/projects', { token: stranger.token })).json).toEqual([]);
    const hooks = await rig.api(`/projects/${projectId}/hooks`, { token: reporter.token });
    expect(hooks).toMatchObject({ status: 403, json: { message: '403 Forbidden' } });
  });
});

describe('projects', () => {
  it('finds a project by number and by path', async () => {
    const byPath = await rig.api(`/projects/${encodeURIComponent('shop/back/web')}`);
    expect(byPath.json).toMatchObject({
      id: projectId,
      path_with_namespace: 'shop/back/web',
      default_branch: 'main',
      web_url: `${rig.gitlab.url}/shop/back/web`,
      visibility: 'private',
      namespace: { full_path: 'shop/back', path: 'back' },
      permissions: { project_access: { access_level: 50 }, group_access: null },
    });
    expect((await rig.api(`/projects/${projectId}`)).json).toEqual(byPath.json);
  });

  it('makes groups and projects, each path once', async () => {
    const group = await rig.api('/groups', { method: 'POST', body: { name: 'New', path: 'new' } });
    const body = { name: 'My App', path: 'app', namespace_id: group.json.id };
    const made = await rig.api('/projects', { method: 'POST', body });
    expect(made).toMatchObject({
      status: 201,
      json: { path_with_namespace: 'new/app', name: 'My App' },
    });
    expect(await rig.api('/projects', { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { message: { path: ['has already been taken'] } },
    });
  });

  it('pages by number and by key', async () => {
    for (const name of ['b', 'c']) await rig.gitlab.createProject({ path: `shop/${name}` });
    const first = await rig.api('/projects?per_page=2&page=1');
    expect(first.headers.get('x-total')).toBe('3');
    expect(first.headers.get('x-next-page')).toBe('2');
    expect(first.headers.get('link')).toContain('rel="next"');
    const seen: number[] = [];
    const start = '?pagination=keyset&order_by=id&sort=asc&per_page=2';
    for (let query: string | undefined = start; query !== undefined; ) {
      const page = await rig.api(`/projects${query}`);
      seen.push(...page.json.map(({ id }: { id: number }) => id));
      query = /<[^?]*(\?[^>]*)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('repository', () => {
  it.each([
    ['branches/none', '404 Branch Not Found'],
    ['tags/none', '404 Tag Not Found'],
    ['commits/none', '404 Commit Not Found'],
    ['tree?ref=none', '404 Tree Not Found'],
    ['tree?path=none', '404 invalid revision or path Not Found'],
    ['files/none/raw?ref=main', '404 File Not Found'],
    ['files/dir/raw?ref=main', '404 File Not Found'],
    ['files/link/raw?ref=none', '404 Commit Not Found'],
    ['compare?from=main&to=none', '404 Ref Not Found'],
  ])('%s: %s', async (path, message) => {
    const answer = await rig.api(`/projects/${projectId}/repository/${path}`);
    expect(answer).toMatchObject({ status: 404, json: { message } });
  });

  it('gives files as they are and links as their text', async () => {
    const raw = async (path: string) =>
      await rig.api(
        `/projects/${projectId}/repository/files/${encodeURIComponent(path)}/raw?ref=main`,
      );
    const text = await raw('dir/a.txt');
    expect(text.json).toBe('hello\n');
    expect(text.headers.get('content-type')).toContain('text/plain');
    expect(text.headers.get('x-gitlab-last-commit-id')).toBe(sha);
    expect((await raw('link')).json).toBe('dir/a.txt');
    expect((await raw('binary')).headers.get('content-type')).toBe('application/octet-stream');
    const file = await rig.api(`/projects/${projectId}/repository/files/dir%2Fa.txt?ref=main`);
    expect(file.json).toMatchObject({ content: 'aGVsbG8K', file_path: 'dir/a.txt', size: 6 });
  });

  it('walks a tree, by pages of keys too', async () => {
    const base = `/projects/${projectId}/repository/tree?recursive=true`;
    const all = (await rig.api(base)).json.map(({ path }: { path: string }) => path);
    expect(all).toEqual(['binary', 'dir', 'dir/a.txt', 'link']);
    const first = await rig.api(`${base}&pagination=keyset&per_page=3`);
    const next = /page_token=(\w+)/.exec(first.headers.get('link') ?? '')?.[1];
    const rest = await rig.api(`${base}&pagination=keyset&per_page=3&page_token=${next}`);
    expect(rest.json).toMatchObject([{ path: 'link', mode: '120000', type: 'blob' }]);
  });

  it('compares and finds the common ancestor', async () => {
    const files = { 'dir/a.txt': 'changed\n', fresh: 'x\n' };
    const topic = { branch: 'topic', from: 'main', files, message: 'two' };
    const newer = await rig.gitlab.commit(projectId, topic);
    const base = `/projects/${projectId}/repository`;
    const compared = (await rig.api(`${base}/compare?from=${sha}&to=topic`)).json;
    expect(compared).toMatchObject({
      commit: { id: newer },
      commits: [{ id: newer }],
      diffs: [
        { new_path: 'dir/a.txt', diff: '@@ -1 +1 @@\n-hello\n+changed\n', new_file: false },
        { new_path: 'fresh', new_file: true },
      ],
    });
    const refs = `refs[]=main&refs[]=${newer}`;
    expect((await rig.api(`${base}/merge_base?${refs}`)).json).toMatchObject({ id: sha });
    expect(await rig.api(`${base}/merge_base?refs[]=main&refs[]=gone`)).toMatchObject({
      status: 400,
      json: { message: 'Could not find ref: gone' },
    });
  });

  it('lets readers of branches lag behind a push', async () => {
    rig.gitlab.faults.lagBranches(60_000);
    await rig.gitlab.commit(projectId, { branch: 'late', files: { b: '1' }, message: 'two' });
    const path = `/projects/${projectId}/repository/branches/late`;
    expect((await rig.api(path)).status).toBe(404);
    rig.gitlab.faults.clear();
    await rig.gitlab.commit(projectId, { branch: 'prompt', files: { b: '1' }, message: 'two' });
    expect((await rig.api(path.replace('late', 'prompt'))).status).toBe(200);
  });
});

describe('faults', () => {
  it('come as often as planned', async () => {
    rig.gitlab.faults.add({
      route: /GET .*\/version/,
      times: 2,
      status: 503,
      body: { message: 'x' },
    });
    rig.gitlab.faults.add({ route: /\/user/, reset: true });
    const codes = [];
    for (let n = 0; n < 3; n += 1) codes.push((await rig.api('/version')).status);
    expect(codes).toEqual([503, 503, 200]);
    await expect(rig.api('/user')).rejects.toThrow(/fetch failed/);
    expect((await rig.api('/user')).status).toBe(200);
  });
});

describe('environments, deployments and variables', () => {
  it('lead a deployment to its end, and make its environment', async () => {
    const path = `/projects/${projectId}/deployments`;
    const body = {
      environment: 'review/My_Branch',
      sha,
      ref: 'main',
      tag: false,
      status: 'running',
    };
    const made = await rig.api(path, { method: 'POST', body });
    expect(made).toMatchObject({
      status: 201,
      json: { iid: 1, deployable: null, status: 'running' },
    });
    expect(made.json.environment.slug).toMatch(/^review-my-branch-[a-z0-9]{6}$/);
    const put = async (status: string) =>
      await rig.api(`${path}/${made.json.id}`, { method: 'PUT', body: { status } });
    expect((await put('failed')).status).toBe(200);
    expect((await put('success')).status).toBe(200);
    expect(await put('running')).toMatchObject({
      status: 400,
      json: { message: { status: ['cannot transition via "run"'] } },
    });
    const [environment] = (await rig.api(`/projects/${projectId}/environments`)).json;
    expect(environment).toMatchObject({
      tier: 'development',
      last_deployment: { id: made.json.id },
    });
    const one = `/projects/${projectId}/environments/${environment.id}`;
    expect((await rig.api(one, { method: 'DELETE' })).status).toBe(403);
    await rig.api(`${one}/stop`, { method: 'POST' });
    expect((await rig.api(one, { method: 'DELETE' })).status).toBe(204);
  });

  it('gives an environment name once', async () => {
    const path = `/projects/${projectId}/environments`;
    const body = { name: 'production', external_url: 'http://web.localhost' };
    expect((await rig.api(path, { method: 'POST', body })).json).toMatchObject({
      slug: 'production',
      tier: 'production',
      state: 'available',
    });
    expect(await rig.api(path, { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { message: { name: ['has already been taken'] } },
    });
  });

  it('keeps variables by key and scope', async () => {
    const path = `/projects/${projectId}/variables`;
    const add = async (body: Record<string, unknown>) =>
      await rig.api(path, { method: 'POST', body: { key: 'TOKEN', ...body } });
    expect((await add({ value: 'one' })).status).toBe(201);
    expect((await add({ value: 'two', environment_scope: 'production' })).status).toBe(201);
    expect((await add({ value: 'three' })).status).toBe(400);
    expect((await rig.api(`${path}/TOKEN`)).status).toBe(409);
    const filter = '?filter[environment_scope]=production';
    expect((await rig.api(`${path}/TOKEN${filter}`)).json).toMatchObject({ value: 'two' });
    const hidden = { key: 'HIDDEN', value: 'long-enough', masked_and_hidden: true };
    expect((await add(hidden)).json).toMatchObject({ value: null, hidden: true, masked: true });
    expect((await rig.api(`${path}/TOKEN${filter}`, { method: 'DELETE' })).status).toBe(204);
    expect((await rig.api(path)).json).toHaveLength(2);
  });
});

it('shows pages with the statuses of a commit and their links', async () => {
  const body = { state: 'running', name: 'ekiden/build', target_url: 'http://e.example/b?a=1&b=2' };
  await rig.api(`/projects/${projectId}/statuses/${sha}`, { method: 'POST', body });
  const commit = await fetch(`${rig.gitlab.url}/shop/back/web/-/commit/${sha}`);
  const html = await commit.text();
  expect(html).toContain('<a href="http://e.example/b?a=1&amp;b=2">ekiden/build</a>');
  const project = await fetch(`${rig.gitlab.url}/shop/back/web`);
  expect(await project.text()).toContain(`/shop/back/web/-/commit/${sha}`);
  expect((await fetch(`${rig.gitlab.url}/shop/none`)).status).toBe(404);
});
