/** What GitLab keeps about projects and groups: variables, protected refs, and their path. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';

let rig: Rig;
let projectId: number;

beforeEach(async () => {
  rig = await startRig();
  ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/back/web' }));
});
afterEach(async () => {
  await rig.stop();
});

function remote(path: string, token = rig.gitlab.token): string {
  return `${rig.gitlab.url.replace('//', `//x:${token}@`)}/${path}.git`;
}

describe('variables', () => {
  it('of a group are for its owners, by number or path, each group its own', async () => {
    rig.gitlab.setVariable({ group: 'shop', key: 'A', value: '1', scope: 'review/*' });
    rig.gitlab.setVariable({ group: 'shop/back', key: 'B', value: 'long-enough', hidden: true });
    const { id, token } = rig.gitlab.createUser({ username: 'ada' });
    rig.gitlab.addMember({ group: 'shop', userId: id, accessLevel: 50 });
    const outer = await rig.api('/groups/1/variables', { token });
    expect(outer.headers.get('x-total')).toBe('1');
    expect(outer.json).toMatchObject([{ key: 'A', value: '1', environment_scope: 'review/*' }]);
    const inner = await rig.api('/groups/shop%2Fback/variables', { token });
    expect(inner.json).toMatchObject([{ key: 'B', value: null, masked: true, hidden: true }]);
    rig.gitlab.setMember({ group: 'shop', userId: id, accessLevel: 40 });
    expect((await rig.api('/groups/shop/variables', { token })).status).toBe(403);
  });

  it('are set again by key and scope', async () => {
    const given = { projectId, key: 'A', protected: true, raw: true, type: 'file' } as const;
    rig.gitlab.setVariable({ ...given, value: '1' });
    rig.gitlab.setVariable({ ...given, value: '2' });
    rig.gitlab.setVariable({ ...given, value: '3', scope: 'production' });
    rig.gitlab.removeVariable({ projectId, key: 'A', scope: 'production' });
    expect((await rig.api(`/projects/${projectId}/variables`)).json).toMatchObject([
      { value: '2', protected: true, raw: true, variable_type: 'file', environment_scope: '*' },
    ]);
  });
});

describe('protected refs', () => {
  it('are shown with branches, tags and hooks', async () => {
    rig.gitlab.protect(projectId, { branches: ['main', 'release/*'], tags: ['v*'] });
    rig.gitlab.addHook(projectId, { url: rig.hookUrl, tagPushEvents: true });
    await rig.commitAll({ a: '1' }, 'one');
    await rig.git('tag', 'v1');
    const refs = ['main', 'main:release/1', 'main:topic', 'v1'];
    for (const ref of refs) await rig.git('push', '--quiet', remote('shop/back/web'), ref);
    await rig.gitlab.idle();
    const seen = rig.received.map(({ body }) => body['ref_protected']);
    expect(seen).toEqual([true, true, false, true]);
    const base = `/projects/${projectId}`;
    const flagOf = async (path: string) =>
      (await rig.api(`${base}/repository/${path}`)).json.protected;
    expect(await flagOf('branches/release%2F1')).toBe(true);
    expect(await flagOf('branches/topic')).toBe(false);
    expect(await flagOf('tags/v1')).toBe(true);
    expect((await rig.api(`${base}/protected_branches`)).json).toMatchObject([
      { name: 'main', push_access_levels: [{ access_level: 40 }] },
      { name: 'release/*' },
    ]);
    expect((await rig.api(`${base}/protected_tags/v*`)).json).toMatchObject({ name: 'v*' });
    expect((await rig.api(`${base}/protected_tags/none`)).status).toBe(404);
  });

  it('take no pushes and no statuses of developers', async () => {
    const { token } = rig.gitlab.createUser({ username: 'dev', projectId, accessLevel: 30 });
    const sha = await rig.commitAll({ a: '1' }, 'one');
    const push = async (ref: string) =>
      await rig.git('push', '--quiet', remote('shop/back/web', token), ref);
    await expect(push('main')).rejects.toThrow(/not allowed to push code to protected branches/);
    await push('main:topic');
    const path = `/projects/${projectId}/statuses/${sha}`;
    const post = async (ref: string) =>
      await rig.api(path, { token, method: 'POST', body: { state: 'running', ref } });
    expect((await post('topic')).status).toBe(201);
    expect((await post('main')).status).toBe(403);
  });
});

describe('a project with another path', () => {
  it('redirects readers of the old one to its number, and refuses writers', async () => {
    rig.gitlab.renameProject(projectId, 'moved/web');
    const url = `${rig.gitlab.url}/api/v4/projects/shop%2Fback%2Fweb`;
    const headers = { 'PRIVATE-TOKEN': rig.gitlab.token };
    const answer = await fetch(`${url}/hooks?page=2`, { headers, redirect: 'manual' });
    expect(answer.status).toBe(301);
    const location = `${rig.gitlab.url}/api/v4/projects/${projectId}/hooks?page=2`;
    expect(answer.headers.get('location')).toBe(location);
    expect((await rig.api('/projects/shop%2Fback%2Fweb')).json).toMatchObject({
      id: projectId,
      path_with_namespace: 'moved/web',
    });
    const write = await fetch(`${url}/hooks`, { headers, method: 'POST', redirect: 'manual' });
    expect(write.status).toBe(405);
    expect((await rig.api(`/projects/${projectId}`)).status).toBe(200);
  });

  it('still sends its hooks and serves git over the old path', async () => {
    rig.gitlab.addHook(projectId, { url: rig.hookUrl });
    rig.gitlab.renameProject(projectId, 'moved/web');
    await rig.commitAll({ a: '1' }, 'one');
    await rig.git('push', '--quiet', remote('shop/back/web'), 'main');
    await rig.gitlab.idle();
    expect(rig.received[0]?.body).toMatchObject({
      project_id: projectId,
      project: { path_with_namespace: 'moved/web' },
    });
    await rig.git('clone', '--quiet', remote('shop/back/web'), 'clone');
    expect(await rig.git('-C', 'clone', 'log', '--format=%s')).toBe('one');
  });
});
