/** People, their roles and their tokens. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';

let rig: Rig;
let projectId: number;

beforeEach(async () => {
  rig = await startRig({ now: () => Date.parse('2026-06-01T12:00:00Z') });
  ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/back/web' }));
});
afterEach(async () => {
  await rig.stop();
});

describe('members', () => {
  it('come from the project and the groups above it, each once with the highest level', async () => {
    const { id, token } = rig.gitlab.createUser({ username: 'ada', projectId, accessLevel: 20 });
    rig.gitlab.setMember({ group: 'shop', userId: id, accessLevel: 40 });
    const all = await rig.api(`/projects/${projectId}/members/all?user_ids[]=${id}`, { token });
    expect(all.json).toMatchObject([{ id, access_level: 40, membership_state: 'active' }]);
    const own = await rig.api(`/projects/${projectId}/members/${id}`, { token });
    expect(own.json).toMatchObject({ access_level: 20, expires_at: null });
    expect((await rig.api(`/projects/${projectId}`, { token })).json.permissions).toMatchObject({
      project_access: { access_level: 20 },
      group_access: { access_level: 40 },
    });
    rig.gitlab.removeMember({ group: 'shop', userId: id });
    const one = `/projects/${projectId}/members/all/${id}`;
    expect((await rig.api(one)).json).toMatchObject({ access_level: 20 });
    rig.gitlab.removeMember({ projectId, userId: id });
    expect(await rig.api(one)).toMatchObject({ status: 404, json: { message: '404 Not Found' } });
    expect((await rig.api(`/projects/${projectId}`, { token })).status).toBe(404);
  });

  it.each([
    ['2026-06-01', 404],
    ['2026-06-02', 200],
  ])('that expire on %s are listed, and see the project: %i', async (expiresAt, status) => {
    const { id, token } = rig.gitlab.createUser({ username: 'ada' });
    rig.gitlab.addMember({ projectId, userId: id, accessLevel: 30, expiresAt });
    expect((await rig.api(`/projects/${projectId}`, { token })).status).toBe(status);
    const listed = await rig.api(`/projects/${projectId}/members/all/${id}`);
    expect(listed.json).toMatchObject({ access_level: 30, expires_at: expiresAt });
  });

  it('that are blocked are shown so, and locked out', async () => {
    const { id, token } = rig.gitlab.createUser({ username: 'ada', projectId });
    rig.gitlab.blockUser(id);
    expect(await rig.api('/user', { token })).toMatchObject({
      status: 403,
      json: { message: '403 Forbidden - Your account has been blocked.' },
    });
    const listed = await rig.api(`/projects/${projectId}/members/all/${id}`);
    expect(listed.json).toMatchObject({ state: 'blocked', access_level: 30 });
    rig.gitlab.blockUser(id, false);
    expect((await rig.api('/user', { token })).json).toMatchObject({ state: 'active' });
  });

  it('can be found by name and number', async () => {
    const { id } = rig.gitlab.createUser({ username: 'ada', name: 'Ada L.' });
    expect((await rig.api('/users?username=Ada')).json).toMatchObject([{ id, name: 'Ada L.' }]);
    expect((await rig.api(`/users/${id}`)).json).toMatchObject({ username: 'ada' });
    expect((await rig.api('/users?username=none')).json).toEqual([]);
    expect((await rig.api('/users/99')).json).toEqual({ message: '404 User Not Found' });
  });

  it('of a group see it, others do not', async () => {
    const { id, token } = rig.gitlab.createUser({ username: 'ada' });
    expect((await rig.api('/groups/shop', { token })).json).toEqual({
      message: '404 Group Not Found',
    });
    rig.gitlab.addMember({ group: 'shop', userId: id, accessLevel: 10 });
    const below = await rig.api('/groups/shop%2Fback', { token });
    expect(below.json).toMatchObject({ full_path: 'shop/back', parent_id: 1 });
    expect((await rig.api('/groups/2/members/all', { token })).json).toMatchObject([{ id }]);
  });
});

describe('tokens', () => {
  it('do what their scopes say', async () => {
    const { id } = rig.gitlab.createUser({ username: 'ada', projectId, accessLevel: 40 });
    const token = rig.gitlab.createToken({ userId: id, scopes: ['read_api'] });
    const path = `/projects/${projectId}/hooks`;
    expect((await rig.api(path, { token })).status).toBe(200);
    const posted = await rig.api(path, { token, method: 'POST', body: { url: rig.hookUrl } });
    expect(posted).toMatchObject({ status: 403, json: { error: 'insufficient_scope' } });
    const reader = rig.gitlab.createToken({ userId: id, scopes: ['read_user'] });
    expect((await rig.api('/user', { token: reader })).status).toBe(200);
    expect((await rig.api(`/projects/${projectId}`, { token: reader })).status).toBe(403);
  });

  it('tell of themselves, also those that may do nothing else', async () => {
    const { id } = rig.gitlab.createUser({ username: 'ada' });
    const given = { userId: id, scopes: ['read_registry'], name: 'x', expiresAt: '2026-06-02' };
    const token = rig.gitlab.createToken(given);
    const self = await rig.api('/personal_access_tokens/self', { token });
    expect(self.json).toMatchObject({
      user_id: id,
      scopes: ['read_registry'],
      expires_at: '2026-06-02',
      active: true,
      revoked: false,
    });
  });

  it('end on their day', async () => {
    const { id } = rig.gitlab.createUser({ username: 'ada' });
    const token = rig.gitlab.createToken({ userId: id, expiresAt: '2026-06-01' });
    expect(await rig.api('/user', { token })).toMatchObject({
      status: 401,
      json: { error: 'invalid_token', error_description: expect.stringContaining('expired') },
    });
  });

  it('of a project or group belong to a bot with a level', async () => {
    const { userId, token } = rig.gitlab.createBotToken({ group: 'shop', accessLevel: 30 });
    expect((await rig.api('/user', { token })).json).toMatchObject({ id: userId, bot: true });
    const member = await rig.api(`/projects/${projectId}/members/all/${userId}`, { token });
    expect(member.json).toMatchObject({ access_level: 30 });
    const other = await rig.gitlab.createProject({ path: 'other/app' });
    expect((await rig.api(`/projects/${other.id}`, { token })).status).toBe(404);
  });

  it('of a job tell of it until it has finished', async () => {
    const { id } = rig.gitlab.createUser({ username: 'ada', projectId });
    const sha = await rig.gitlab.commit(projectId, {
      branch: 'main',
      files: { a: '1' },
      message: 'one',
    });
    const job = await rig.gitlab.createJob({ projectId, userId: id, ref: 'main' });
    const ask = async () => {
      const headers = { 'JOB-TOKEN': job.token };
      const response = await fetch(`${rig.gitlab.url}/api/v4/job`, { headers });
      return { status: response.status, json: await response.json() };
    };
    expect(await ask()).toMatchObject({
      status: 200,
      json: {
        id: job.id,
        status: 'running',
        ref: 'main',
        tag: false,
        user: { id, username: 'ada' },
        commit: { id: sha },
        pipeline: { project_id: projectId, sha },
      },
    });
    rig.gitlab.finishJob(job.id);
    expect(await ask()).toEqual({ status: 401, json: { message: '401 Unauthorized' } });
  });
});
