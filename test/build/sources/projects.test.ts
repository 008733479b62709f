/** INCLUDE of files of other projects over the stand-in GitLab: what is found, who may, and what is kept of it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fragmentsOf } from '../../../src/build/expansion.ts';
import { applicationLimit, rackAttack } from '../../stand-ins/gitlab/gitlab.ts';
import { failureOf, type Host, startHost } from './rig.ts';

let host: Host;
let target: Awaited<ReturnType<Host['project']>>;
let reporter: number;

const files = {
  'docker/base.dockerfile': 'FROM base\nINCLUDE near\nINCLUDE /top\n',
  'docker/near': 'RUN near\n',
  top: 'RUN top\n',
};
const expanded = 'FROM base\nRUN near\nRUN top\n';

beforeAll(async () => {
  host = await startHost();
  target = await host.project(files, { path: 'platform/docker' });
  reporter = host.user();
  host.gitlab.setMember({ projectId: target.id, userId: reporter, accessLevel: 20 });
});
afterEach(() => host.gitlab.faults.clear());
afterAll(async () => {
  await host.stop();
});

/** A project whose Dockerfile includes these sources. */
const including = (...sources: string[]) =>
  host.project({ Dockerfile: sources.map((source) => `INCLUDE ${source}\n`).join('') });

const short = (sha: string) => sha.slice(0, 12);

describe('a file of another project', () => {
  it('is spliced with what it includes, at one commit', async () => {
    const source = 'project:platform/docker:docker/base';
    const expansion = await host.expand(await including(source), { actor: reporter });
    expect(expansion.bytes.toString()).toBe(expanded);
    const id = (path: string) => `project:platform/docker@${short(target.sha)}:${path}`;
    expect(expansion.map.map(({ file }) => file)).toEqual([
      id('docker/base.dockerfile'),
      id('docker/near'),
      id('top'),
    ]);
    const { id: number, path, sha } = target;
    expect(fragmentsOf(expansion)).toEqual(
      [
        [source, 'docker/base.dockerfile'],
        ['near', 'docker/near'],
        ['/top', 'top'],
      ].map(([text, file = '']) => ({
        source: text,
        file: id(file),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        project: { id: number, path, sha, file },
      })),
    );
  });

  it('is found by branch, tag, sha, full ref and former path', async () => {
    const tag = await target.commit({ top: 'RUN tagged\n' }, 'release/1');
    const branch = 'project:platform/docker@release/1:top';
    for (const source of [
      branch,
      'project:platform/docker@refs/heads/release/1:/top',
      `project:Platform/Docker@${tag}:top`,
      `project:platform/docker@${tag.slice(0, 8)}:d/../top`,
    ]) {
      const expansion = await host.expand(await including(source), { actor: reporter });
      expect([source, expansion.bytes.toString()]).toEqual([source, 'RUN tagged\n']);
      const [{ project, file } = {}] = expansion.included;
      expect([project?.sha, file]).toEqual([tag, `project:platform/docker@${short(tag)}:top`]);
    }
  });

  it('is of one commit however its ref is spelled, also when that moves meanwhile', async () => {
    const sources = ['', '@main', '@refs/heads/main'].map((ref) => `project:shop/moving${ref}:a`);
    const moving = await host.project({ a: 'RUN one\n' }, { path: 'shop/moving' });
    const includer = await including(...sources);
    let change: Promise<string> | undefined;
    const original = host.client.file;
    host.client.file = async (project, path, sha) => {
      if (project === moving.id) {
        change ??= moving.commit({ a: 'RUN two\n' });
        await change;
      }
      return original(project, path, sha);
    };
    const user = host.user();
    host.gitlab.setMember({ projectId: moving.id, userId: user, accessLevel: 20 });
    const { bytes, included } = await host.expand(includer, { actor: user });
    host.client.file = original;
    expect(await change).toMatch(/^[0-9a-f]{40}$/);
    expect(bytes.toString()).toBe('RUN one\nRUN one\nRUN one\n');
    expect(included.map(({ project }) => project?.ref)).toEqual([
      undefined,
      'main',
      'refs/heads/main',
    ]);
  });

  it('leads no further up than the root of its project', async () => {
    await target.commit({ up: 'INCLUDE ../../x\n' });
    const includer = await including('project:platform/docker:up');
    const error = await failureOf(host.expand(includer, { actor: reporter }));
    expect(error.code).toBe('E_ESCAPES_REPO');
    expect(error.diagnostic).toMatchObject({
      place: { file: expect.stringMatching(/^project:platform\/docker@[0-9a-f]{12}:up$/), line: 1 },
      via: [{ file: 'Dockerfile', line: 1 }],
    });
  });

  it.each([
    ['@nowhere:top', 'E_REF', 'platform/docker has no branch, tag or commit nowhere'],
    [`@${'0'.repeat(40)}:top`, 'E_REF', 'has no branch, tag or commit 000'],
    ['@refs/merge-requests/1/head:top', 'E_REF', 'has no branch, tag or commit refs/'],
    ['@main:tpo', 'E_NOT_FOUND', 'tpo is not in platform/docker at '],
    ['@main:docker', 'E_IS_DIRECTORY', 'docker is a folder'],
  ])('that is not there: %s', async (source, code, message) => {
    const includer = await including(`project:platform/docker${source}`);
    const error = await failureOf(host.expand(includer, { actor: reporter }));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('names what may have been meant', async () => {
    const includer = await including('project:platform/docker:tops');
    const error = await failureOf(host.expand(includer, { actor: reporter }));
    expect(error.hint).toBe('Did you mean top?');
  });

  it('of an empty project has no commit', async () => {
    await host.gitlab.createProject({ path: 'shop/empty', visibility: 'public' });
    const error = await failureOf(host.expand(await including('project:shop/empty:a')));
    expect(error).toMatchObject({
      code: 'E_REF',
      message: expect.stringContaining('no commit yet'),
    });
  });
});

describe('who may include it', () => {
  const outcome = async (source: string, actor?: number) => {
    const includer = await including(source);
    const asked = actor === undefined ? {} : { actor };
    return host
      .expand(includer, asked)
      .then(() => 'ok')
      .catch((error: { code: string }) => error.code);
  };

  it('the project itself, at any ref and without an actor', async () => {
    const own = await host.project({ a: 'RUN a\n' }, { path: 'shop/own' });
    const sha = await own.commit({ Dockerfile: 'INCLUDE project:shop/own@main:a\n' });
    expect((await host.expand({ ...own, sha })).bytes.toString()).toBe('RUN a\n');
  });

  it('whoever the visibility lets in', async () => {
    const insider = host.user();
    const external = host.user({ external: true });
    const table = [
      ['public', 'enabled', ['ok', 'ok', 'ok']],
      ['internal', 'enabled', ['E_PROJECT_ACCESS', 'ok', 'E_PROJECT_ACCESS']],
      ['private', 'enabled', ['E_PROJECT_ACCESS', 'E_PROJECT_ACCESS', 'E_PROJECT_ACCESS']],
      ['public', 'private', ['E_PROJECT_ACCESS', 'E_PROJECT_ACCESS', 'E_PROJECT_ACCESS']],
    ] as const;
    for (const [visibility, repositoryAccess, wanted] of table) {
      const { path } = await host.project({ a: 'RUN a\n' }, { visibility, repositoryAccess });
      const source = `project:${path}:a`;
      const got = [undefined, insider, external].map((actor) => outcome(source, actor));
      expect([visibility, repositoryAccess, await Promise.all(got)]).toEqual([
        ...[visibility, repositoryAccess, wanted],
      ]);
    }
  });

  it('members from Reporter on, as long as they are', async () => {
    const { id: projectId, path } = await host.project({ a: 'RUN a\n' });
    const source = `project:${path}:a`;
    const levels = [10, 15, 20, 25, 30, 50].map(async (accessLevel) => {
      const userId = host.user();
      host.gitlab.setMember({ projectId, userId, accessLevel });
      return `${accessLevel} ${await outcome(source, userId)}`;
    });
    expect(await Promise.all(levels)).toEqual([
      ...['10 E_PROJECT_ACCESS', '15 E_PROJECT_ACCESS', '20 ok', '25 ok', '30 ok', '50 ok'],
    ]);
    const over = host.user();
    const past = { expiresAt: '2020-01-01' };
    host.gitlab.setMember({ projectId, userId: over, accessLevel: 40, ...past });
    expect(await outcome(source, over)).toBe('E_PROJECT_ACCESS');
    const blocked = host.user();
    host.gitlab.setMember({ projectId, userId: blocked, accessLevel: 40 });
    host.gitlab.blockUser(blocked);
    expect(await outcome(source, blocked)).toBe('E_PROJECT_ACCESS');
  });

  it('whom the manifest of the default branch lets in, for the paths that it names', async () => {
    const manifest = 'include: {allow: [shop/*], paths: [open/**, "*.dockerfile"]}\n';
    const { path, commit } = await host.project({
      '.ekiden.yml': manifest,
      'open/a': 'RUN open\nINCLUDE ../one\n',
      'open/secret-link': { symlink: '../secret' },
      'one.dockerfile': 'RUN one\n',
      one: 'RUN not meant\n',
      secret: 'RUN secret\n',
      'open/leak': 'INCLUDE ../secret\n',
    });
    // Only the default branch counts, and files of others may be included all the same.
    await commit({ '.ekiden.yml': 'services: 42\n', 'open/b': 'RUN b\n' }, 'other');
    await commit({ 'open/a': 'RUN open\nINCLUDE ../one.dockerfile\n' });
    const of = (file: string) => outcome(`project:${path}${file}`);
    expect(await of(':open/a')).toBe('ok');
    expect(await of('@other:open/b')).toBe('ok');
    expect(await of(':secret')).toBe('E_PROJECT_ACCESS');
    expect(await of(':open/leak')).toBe('E_PROJECT_ACCESS');
    expect(await of(':open/secret-link')).toBe('E_PROJECT_ACCESS');
    expect(await of(':.ekiden.yml')).toBe('E_PROJECT_ACCESS');
    expect(await of('@nowhere:hidden/a')).toBe('E_PROJECT_ACCESS');
    expect(await of('@nowhere:open/a')).toBe('E_REF');
    // The rule is for one.dockerfile, and so is the short name, though there is a file named so.
    const short = await including(`project:${path}:one`);
    expect((await host.expand(short)).bytes.toString()).toBe('RUN one\n');
  });

  it('and all others are told the same as for what does not exist', async () => {
    const { path } = await host.project({ a: 'RUN a\n' });
    const userId = host.user();
    const errors = [];
    for (const name of [path, 'shop/none']) {
      const includer = await including(`project:${name}@v1:a`);
      const { message, hint } = await failureOf(host.expand(includer, { actor: userId }));
      const neutral = (text = '') => text.replaceAll(name, 'X').replaceAll(includer.path, 'Y');
      errors.push([neutral(message), neutral(hint)]);
    }
    expect(errors[0]).toEqual(errors[1]);
    expect(errors[0]).toEqual([
      `Dockerfile:1:9: X does not exist, or the GitLab user user ${userId} may not include a from it`,
      'It takes the role Reporter there, or in its .ekiden.yml, on the default branch: include: {allow: [Y], paths: [a]}.',
    ]);
    const nobody = await failureOf(host.expand(await including(`project:${path}:a`)));
    expect(nobody.message).toContain('a build that no user of GitLab is known to have caused');
  });
});

describe('while GitLab does not answer well', () => {
  it.each([
    ['a limit', { ...rackAttack({ retryAfterSeconds: 7 }) }, 7],
    ['a limit of one kind of request', applicationLimit(), expect.anything()],
    ['a failure', { status: 500, body: { message: 'no' } }, undefined],
    ['a proxy', { status: 503, body: 'busy', headers: { 'Retry-After': '3' } }, 3],
    ['a cut', { reset: true }, undefined],
  ])('%s is told, and the next try goes well', async (_name, fault, retryAfter) => {
    const includer = await including('project:platform/docker:top');
    for (const route of [/\/projects\/platform%2Fdocker/, /\/files\/top/, /\/branches\/main/]) {
      host.gitlab.faults.add({ route, ...fault });
      const error = await failureOf(host.expand(includer, { actor: reporter }));
      expect(error).toMatchObject({ code: 'E_FETCH', retryable: true, retryAfter });
      expect(error.diagnostic.place).toMatchObject({ file: 'Dockerfile', line: 1 });
      expect(host.gitlab.faults.left()).toBe(0);
      const { bytes } = await host.expand(includer, { actor: reporter });
      expect(bytes.toString()).toBe('RUN top\n');
    }
  });
});
