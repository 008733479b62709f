/** The GitLab client against the stand-in: what it reads, what it posts, and whose fault a refusal is. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NotFoundError, RemoteError } from '../../src/core/errors.ts';
import { type Host, type Rig, startHost } from '../build/rig.ts';
import { rackAttack } from '../stand-ins/gitlab/gitlab.ts';

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

describe('reading', () => {
  it('shows a project and its default branch', async () => {
    await rig.commit();
    expect(await rig.client.project(rig.project)).toEqual({
      id: rig.project,
      path: rig.path,
      webUrl: `${rig.gitlab.url}/${rig.path}`,
      defaultBranch: 'main',
      readers: 'members',
    });
  });

  it('knows no head of what is neither a branch nor a tag', async () => {
    await rig.commit();
    for (const ref of ['refs/merge-requests/1/head', 'refs/heads/', 'refs/heads/..', 'main']) {
      expect([ref, await rig.client.head(rig.project, ref)]).toEqual([ref, undefined]);
    }
  });

  it('gives files byte by byte, and none where there is none', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 10, 0xc3, 0x28]);
    const sha = await rig.commit({ 'a dir/ü+#%.bin': bytes, empty: '', 'x.json': '{"a":1}' });
    expect(await rig.client.file(rig.project, 'a dir/ü+#%.bin', sha)).toEqual(bytes);
    expect(await rig.client.file(rig.project, 'empty', sha)).toEqual(Buffer.alloc(0));
    expect(await rig.client.file(rig.project, 'x.json', sha)).toEqual(Buffer.from('{"a":1}'));
    expect(await rig.client.file(rig.project, 'nothing', sha)).toBeUndefined();
  });

  it('streams an archive, the whole or a folder', async () => {
    const sha = await rig.commit({ 'web/a.txt': 'inside', 'b.txt': 'outside' });
    const sizes = [];
    for (const path of [undefined, 'web']) {
      const archive = await rig.client.archive(rig.project, { sha, ...(path ? { path } : {}) });
      let text = '';
      for await (const chunk of archive) text += (chunk as Buffer).toString('latin1');
      expect(text).toContain('inside');
      expect(text.includes('outside')).toBe(path === undefined);
      sizes.push(text.length);
    }
    expect(sizes).not.toContain(0);
  });
});

describe('a file', () => {
  it('that is larger than anything Ekiden reads is refused before it fills the memory', async () => {
    const large = Buffer.alloc(6 * 1024 * 1024, 'x');
    const sha = await rig.commit({ large, small: 'y'.repeat(100_000) });
    expect((await rig.client.file(rig.project, 'small', sha))?.length).toBe(100_000);
    await expect(rig.client.file(rig.project, 'large', sha)).rejects.toMatchObject({
      code: 'E_FILE_SIZE',
      retryable: false,
      message: expect.stringContaining('large at '),
    });
  });
});

describe('refusals', () => {
  const ask = () => rig.client.project(rig.project).catch((error: unknown) => error);

  it('are named by their status where GitLab says nothing', async () => {
    rig.gitlab.faults.add({ route: /projects/, status: 503, body: '' });
    expect(await ask()).toMatchObject({ message: expect.stringMatching(/ HTTP 503$/) });
  });

  it.each([
    [404, NotFoundError, { code: 'E_GITLAB_NOT_FOUND', retryable: false }],
    [401, RemoteError, { code: 'E_GITLAB_TOKEN', retryable: true }],
    [403, RemoteError, { code: 'E_GITLAB_ACCESS', retryable: false }],
    [400, RemoteError, { code: 'E_GITLAB', retryable: false }],
    [409, RemoteError, { code: 'E_GITLAB', retryable: true }],
    [429, RemoteError, { code: 'E_GITLAB', retryable: true }],
    [500, RemoteError, { code: 'E_GITLAB', retryable: true }],
    [502, RemoteError, { code: 'E_GITLAB', retryable: true }],
  ])('%i', async (status, kind, wanted) => {
    rig.gitlab.faults.add({
      route: /\/projects\/\d+$/,
      status,
      body: { message: 'why' },
      times: 30,
    });
    const error = await ask();
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject(wanted);
    expect(error).toHaveProperty('message', expect.stringContaining(`project ${rig.project}: `));
  });

  it.each([429, 500, 502])('%i is asked for once, and its words are kept', async (status) => {
    const body = { message: { error: 'This archive has been requested too many times.' } };
    rig.gitlab.faults.add({ route: /\/projects\/\d+$/, status, body, times: 30 });
    expect(await ask()).toHaveProperty('message', expect.stringContaining('too many times'));
    expect(rig.gitlab.faults.left()).toBe(29);
  });

  it('says when GitLab wants to be asked again', async () => {
    const fault = rackAttack({ retryAfterSeconds: 42 });
    rig.gitlab.faults.add({ route: /\/projects\/\d+$/, ...fault });
    expect(await ask()).toMatchObject({ retryable: true, retryAfter: 42 });
  });

  it('repeats a page of a proxy in one line of some length', async () => {
    const body = `<html>\n<h1>Bad gateway</h1>\n${'<!-- padding -->\n'.repeat(5_000)}`;
    rig.gitlab.faults.add({ route: /\/projects\/\d+$/, status: 500, body, times: 30 });
    const { message } = (await ask()) as Error;
    expect(message).toMatch(/^GitLab, asked for project \d+: <html> <h1>Bad gateway<\/h1> .*…$/);
    expect(message.length).toBeLessThan(300);
  });

  it('a connection that is cut may be tried again', async () => {
    rig.gitlab.faults.add({ route: /\/projects\/\d+$/, reset: true, times: 30 });
    expect(await ask()).toMatchObject({ code: 'E_GITLAB', retryable: true });
  });
});

describe('statuses', () => {
  const post = (sha: string, change: object = {}) =>
    rig.client.postStatus({
      ...{ project: rig.project, sha, state: 'pending', name: 'ekiden/build', ref: 'main' },
      ...{ description: 'waits', targetUrl: 'http://ekiden.test/builds/b1' },
      ...change,
    });

  it('go to one pipeline', async () => {
    const sha = await rig.commit();
    const { pipeline } = await post(sha);
    expect(pipeline).toBeTypeOf('number');
    const again = await post(sha, { name: 'ekiden/deploy/production/web', pipeline });
    expect(again).toEqual({ pipeline });
  });

  it('may be said twice', async () => {
    const sha = await rig.commit();
    const { pipeline } = await post(sha);
    expect(await post(sha, { pipeline })).toEqual({ pipeline });
    await post(sha, { state: 'running' });
    expect(await post(sha, { state: 'pending', pipeline })).toEqual({ pipeline });
    expect(rig.gitlab.statuses(rig.project, sha).rows).toMatchObject([{ status: 'running' }]);
  });

  it('are cut to what GitLab keeps, between two characters', async () => {
    const sha = await rig.commit();
    await post(sha, { description: `${'x'.repeat(253)}🚀🚀` });
    const [row] = rig.gitlab.statuses(rig.project, sha).rows;
    expect(row?.description).toBe(`${'x'.repeat(253)}…`);
  });
});
