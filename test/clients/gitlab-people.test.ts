/** What GitLab says of people, by every kind of token, and what its refusals mean. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createGitLab } from '../../src/clients/gitlab.ts';
import { createGitLabPeople, type GitLabPeople } from '../../src/clients/gitlab-people.ts';
import { AccessError, RemoteError } from '../../src/core/errors.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';

let data: string;
let gitlab: GitLabStandIn;
let people: GitLabPeople;
let project: number;
let count = 0;

beforeAll(async () => {
  data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'people-'));
  gitlab = await startGitLab({ data });
  people = createGitLabPeople({ url: gitlab.url, token: gitlab.token });
  ({ id: project } = await gitlab.createProject({ path: 'shop/web' }));
  await gitlab.commit(project, { branch: 'main', message: 'one', files: { a: '1' } });
});
afterAll(async () => {
  await gitlab.stop();
  await rm(data, { recursive: true, force: true });
});
beforeEach(() => gitlab.faults.clear());

const newUser = (accessLevel?: number) => {
  count += 1;
  return gitlab.createUser({
    username: `ada-${count}`,
    ...(accessLevel === undefined ? {} : { projectId: project, accessLevel }),
  });
};

describe('a token', () => {
  it('tells whose it is', async () => {
    const { id, token } = newUser();
    const person = {
      id,
      username: `ada-${count}`,
      name: `ada-${count}`,
      isActive: true,
      isExternal: false,
    };
    expect(await people.ofToken(token)).toEqual({ person, mayChange: true });
  });

  it.each(['a\nb', 'a b', 'ключ', ''])('is wrong, and not GitLab, when it is %j', async (token) => {
    await expect(people.ofToken(token)).rejects.toMatchObject({ code: 'E_TOKEN', status: 401 });
    await expect(people.ofJob(token)).rejects.toMatchObject({ code: 'E_TOKEN', status: 401 });
  });

  it.each([
    [['api'], true],
    [['read_api'], false],
    [['read_api', 'api', 'read_user'], true],
    [['read_api', 'write_repository'], false],
  ])('with the scopes %j may change things: %j', async (scopes, mayChange) => {
    const token = gitlab.createToken({ userId: newUser().id, scopes });
    expect(await people.ofToken(token)).toMatchObject({ mayChange });
  });

  it.each([[['read_user']], [['read_repository', 'write_repository']]])(
    'with the scopes %j alone is not enough',
    async (scopes) => {
      const token = gitlab.createToken({ userId: newUser().id, scopes });
      await expect(people.ofToken(token)).rejects.toMatchObject({
        status: 403,
        code: 'E_TOKEN_SCOPE',
      });
    },
  );

  it('of a project is that of its bot', async () => {
    const bot = gitlab.createBotToken({ projectId: project, accessLevel: 40 });
    expect(await people.ofToken(bot.token)).toMatchObject({ person: { id: bot.userId } });
    expect(await people.level(project, bot.userId)).toBe(40);
  });

  it('of OAuth tells its scopes elsewhere, and where none are told it may only look', async () => {
    const { token } = newUser();
    const own = {
      route: /personal_access_tokens/,
      status: 400,
      body: { message: '400 Bad request' },
    };
    const info = (body: object, status = 200) =>
      gitlab.faults.add({ route: /^GET \/oauth\/token\/info$/, status, body });
    const cases: [() => void, boolean][] = [
      [() => info({ resource_owner_id: 1, scope: ['api'] }), true],
      [() => info({ resource_owner_id: 1, scopes: ['read_api'] }), false],
      [() => info({ error: 'invalid_request' }, 401), false],
      [() => info({ error: 'not here' }, 404), false],
    ];
    for (const [answer, mayChange] of cases) {
      gitlab.faults.add(own);
      answer();
      expect(await people.ofToken(token)).toMatchObject({ mayChange });
      expect(gitlab.faults.left()).toBe(0);
    }
  });

  it('that is wrong, revoked or of somebody blocked is refused in the words of GitLab', async () => {
    const revoked = newUser().token;
    gitlab.endToken(revoked, 'revoked');
    const blocked = newUser();
    gitlab.blockUser(blocked.id);
    for (const [token, words] of [
      ['glpat-wrong', '401 Unauthorized'],
      [revoked, 'invalid_token'],
      [blocked.token, 'blocked'],
    ] as const) {
      const error = await people.ofToken(token).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AccessError);
      expect(error).toMatchObject({ status: 401, code: 'E_TOKEN' });
      expect(error).toHaveProperty('message', expect.stringContaining(words));
      expect(error).not.toHaveProperty('message', expect.stringContaining(token));
    }
  });

  it.each([500, 429, 503])('cannot be judged while GitLab answers %i', async (status) => {
    gitlab.faults.add({ route: /\/user$/, status, body: { message: 'busy' } });
    const error = await people.ofToken(newUser().token).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ status: 503, code: 'E_GITLAB_AWAY', retryable: true });
  });
});

describe('the token of a job', () => {
  it('tells who started the job and in which project, while it runs', async () => {
    const { id: userId } = newUser(30);
    const job = await gitlab.createJob({ projectId: project, userId });
    expect(await people.ofJob(job.token)).toMatchObject({ person: { id: userId }, project });
    gitlab.finishJob(job.id);
    await expect(people.ofJob(job.token)).rejects.toMatchObject({ status: 401, code: 'E_TOKEN' });
  });

  it('is no token of a user, nor the other way round', async () => {
    const { id: userId, token } = newUser(30);
    const job = await gitlab.createJob({ projectId: project, userId });
    await expect(people.ofToken(job.token)).rejects.toMatchObject({ status: 401 });
    await expect(people.ofJob(token)).rejects.toMatchObject({ status: 401 });
  });
});

describe('a role', () => {
  it.each([0, 10, 15, 20, 25, 30, 40, 50])('is told as it is: %i', async (accessLevel) => {
    expect(await people.level(project, newUser(accessLevel).id)).toBe(accessLevel);
  });

  it('is inherited from the group', async () => {
    const { id: userId } = newUser();
    gitlab.addMember({ group: 'shop', userId, accessLevel: 40 });
    expect(await people.level(project, userId)).toBe(40);
  });

  it('is none for strangers, and in a project that is not there', async () => {
    expect(await people.level(project, newUser().id)).toBe(0);
    expect(await people.level(99_999, newUser(50).id)).toBe(0);
    expect(await people.level(project, 99_999)).toBe(0);
  });

  it('is none once it has ended, while it waits, and for who is blocked', async () => {
    const { id: userId } = newUser(40);
    const level = async (change: object) => {
      gitlab.setMember({ projectId: project, userId, accessLevel: 40, ...change });
      return people.level(project, userId);
    };
    const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString();
    expect(await level({ expiresAt: day(1).slice(0, 10) })).toBe(40);
    expect(await level({ expiresAt: day(0).slice(0, 10) })).toBe(0);
    expect(await level({ expiresAt: day(-1).slice(0, 10) })).toBe(0);
    expect(await level({ state: 'awaiting' })).toBe(0);
    expect(await level({})).toBe(40);
    gitlab.blockUser(userId);
    expect(await level({})).toBe(0);
    expect(await people.person(userId)).toMatchObject({ isActive: false });
    expect(await people.person(99_999)).toBeUndefined();
  });

  it("names GITLAB_TOKEN when Ekiden's own token is refused", async () => {
    const { id, token } = newUser();
    gitlab.endToken(token, 'revoked');
    const broken = createGitLabPeople({ url: gitlab.url, token });
    await expect(broken.level(project, id)).rejects.toMatchObject({
      code: 'E_GITLAB_TOKEN',
      hint: expect.stringContaining('GITLAB_TOKEN'),
    });
  });
});

describe('a project', () => {
  it('is found by id, by path, and by a path that it had before', async () => {
    const { id } = await gitlab.createProject({ path: 'shop/old' });
    gitlab.renameProject(id, 'shop/new');
    const client = createGitLab({ url: gitlab.url, token: gitlab.token });
    const wanted = {
      id,
      path: 'shop/new',
      webUrl: `${gitlab.url}/shop/new`,
      defaultBranch: 'main',
      readers: 'members',
    };
    for (const name of [String(id), 'shop/new', 'shop/old']) {
      expect(await client.findProject(name)).toEqual(wanted);
    }
    expect(await client.findProject('shop/none')).toBeUndefined();
  });
});

describe('a GitLab that sends requests on', () => {
  it('to another origin gets no token there', async () => {
    const seen: string[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.end('{}');
    });
    await new Promise<void>((ready) => thief.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void thief.close());
    const { port } = thief.address() as AddressInfo;
    const headers = { Location: `http://127.0.0.1:${port}/api/v4/user` };
    gitlab.faults.add({ route: /./, status: 301, headers, times: 10 });
    const client = createGitLab({ url: gitlab.url, token: gitlab.token });
    for (const ask of [
      () => people.ofToken('glpat-secret'),
      () => people.ofJob('secret'),
      () => people.level(project, 1),
      () => client.project(project),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: 'E_GITLAB_ADDRESS',
        hint: expect.stringContaining('GITLAB_URL'),
      });
    }
    expect(seen).toEqual([]);
  });
});
