/** Links, submodules and folders of a repository, as GitLab shows them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFileCache } from '../../../src/build/sources/file-cache.ts';
import { openRepository } from '../../../src/build/sources/repository.ts';
import type { TreeEntry } from '../../../src/clients/gitlab-repository.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { failureOf, type Host, startHost } from './rig.ts';

let host: Host;
let project: Awaited<ReturnType<Host['project']>>;

const sub = 'a'.repeat(40);

beforeAll(async () => {
  host = await startHost();
  project = await host.project({
    Dockerfile: 'FROM a\n',
    'docker/base.dockerfile': 'FROM base\n',
    'docker/short': 'FROM short',
    'docker/empty': '',
    'docker/a b.dockerfile': 'FROM blank\n',
    'docker/Ünï.dockerfile': 'FROM other\n',
    'docker/lfs': 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n',
    'docker/binary': Buffer.from([0, 1, 2, 10]),
    'services/web/link': { symlink: '../../docker/base.dockerfile' },
    'services/web/Dockerfile': { symlink: 'inner/Dockerfile' },
    'services/web/inner/Dockerfile': 'INCLUDE near\nINCLUDE /docker/short\n',
    'services/web/near': 'RUN near\n',
    linked: { symlink: 'docker' },
    deep: { symlink: 'services/web/../../linked' },
    'to-folder': { symlink: 'docker/' },
    'docker/top': { symlink: '..' },
    absolute: { symlink: '/etc/passwd' },
    out: { symlink: '../../etc/passwd' },
    dangling: { symlink: 'nowhere' },
    circle: { symlink: 'circle' },
    ...Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        `hop${index + 1}`,
        { symlink: index === 0 ? 'docker/base.dockerfile' : `hop${index}` },
      ]),
    ),
    'vendor/lib': { submodule: sub },
    'through-lib': { symlink: 'vendor/lib/docker' },
    '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib.git\n',
  });
});
afterAll(async () => {
  await host.stop();
});

/** What INCLUDE of a path comes to. */
async function include(path: string) {
  const sha = await project.commit({ 'at/Dockerfile': `INCLUDE "/${path}"\n` });
  return host.expand({ ...project, sha }, { file: 'at/Dockerfile' });
}

describe('finds', () => {
  it.each([
    ['docker/base', 'FROM base\n'],
    ['docker/short', 'FROM short'],
    ['docker/empty', ''],
    ['docker/a b', 'FROM blank\n'],
    ['docker/Ünï', 'FROM other\n'],
    ['services/web/link', 'FROM base\n'],
    ['linked/base', 'FROM base\n'],
    ['linked/short', 'FROM short'],
    ['deep/base.dockerfile', 'FROM base\n'],
    ['hop8', 'FROM base\n'],
  ])('%s', async (path, text) => {
    const { bytes } = await include(path);
    expect(bytes.toString().trimEnd()).toBe(text.trimEnd());
  });

  it.each(['.', '/', 'docker', 'docker/', 'linked', 'docker/top'])(
    'no Dockerfile where %s is a folder',
    async (file) => {
      await expect(host.expand(project, { file })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    },
  );

  it('a file by a link to the root, of which no file is asked for by an odd path', async () => {
    const asked = vi.spyOn(host.client, 'file');
    const { bytes } = await include('docker/top/docker/base');
    expect(bytes.toString()).toBe('FROM base\n');
    await expect(include('docker/top')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    const odd = asked.mock.calls.map(([, path]) => path).filter((path) => /^(\/|$)/.test(path));
    asked.mockRestore();
    expect(odd).toEqual([]);
  });

  it('a Dockerfile that is a link, whose paths are those of the link', async () => {
    const { bytes, map } = await host.expand(project, { file: 'services/web/Dockerfile' });
    expect(bytes.toString()).toBe('RUN near\nFROM short\n');
    expect(map.map(({ file }) => file)).toEqual(['services/web/near', 'docker/short']);
  });
});

describe('refuses', () => {
  it.each([
    ['absolute', 'E_SYMLINK', 'absolute is a link that leads out of the repository'],
    ['out', 'E_SYMLINK', 'out is a link that leads out'],
    ['circle', 'E_SYMLINK', 'circle leads on through more than 8 links'],
    ['hop9', 'E_SYMLINK', 'hop9 leads on through more than 8 links'],
    ['dangling', 'E_NOT_FOUND', 'dangling is no file, and leads to none'],
    ['docker/top', 'E_NOT_FOUND', 'docker/top is no file, and leads to none'],
    ['vendor/lib', 'E_SUBMODULE', 'vendor/lib is a submodule'],
    ['vendor/lib/docker/base', 'E_SUBMODULE', 'vendor/lib is a submodule'],
    ['through-lib/base', 'E_SUBMODULE', 'vendor/lib is a submodule'],
    ['docker', 'E_IS_DIRECTORY', 'docker is a folder'],
    ['docker/', 'E_IS_DIRECTORY', 'docker/ is a folder'],
    ['docker/lfs', 'E_LFS', 'kept in Git LFS'],
    ['docker/binary', 'E_BINARY', 'is no text'],
    ['Dockerfile/x', 'E_NOT_FOUND', 'Dockerfile/x is not in the repository'],
    ['none/of/these', 'E_NOT_FOUND', 'none/of/these is not in the repository'],
    ['docker/bse.dockerfile', 'E_NOT_FOUND', 'is not in the repository'],
  ])('%s as %s', async (path, code, message) => {
    const error = await failureOf(include(path));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(error.diagnostic.place).toMatchObject({ file: 'at/Dockerfile', line: 1, column: 9 });
  });

  it('and names what may have been meant', async () => {
    expect(await failureOf(include('docker/bse.dockerfile'))).toMatchObject({
      hint: 'Did you mean docker/base.dockerfile?',
    });
  });
});

describe('asks GitLab', () => {
  const file = (path: string): TreeEntry => ({
    ...{ id: 'b', name: path, path, type: 'blob', mode: '100644' },
  });

  function repository(files: Record<string, string>, tree: () => Promise<TreeEntry[] | undefined>) {
    const gitlab = {
      file: vi.fn(async (_project: number, path: string) =>
        files[path] === undefined ? undefined : Buffer.from(files[path]),
      ),
      tree: vi.fn(tree),
    };
    const cache = createFileCache();
    const open = (sha = 's') => openRepository({ gitlab, cache, project: 1, sha });
    return { gitlab, open };
  }

  it('for no folder where the file cannot be a link', async () => {
    const { gitlab, open } = repository({ a: 'FROM a\n' }, async () => undefined);
    expect((await open().read('a'))?.toString()).toBe('FROM a\n');
    expect(gitlab.tree).not.toHaveBeenCalled();
  });

  it('once for a file of a commit', async () => {
    const { gitlab, open } = repository({ a: 'FROM a\n' }, async () => undefined);
    await Promise.all([open().read('a'), open().read('a')]);
    await open().read('a');
    expect(gitlab.file).toHaveBeenCalledTimes(1);
    await open('t').read('a');
    expect(gitlab.file).toHaveBeenCalledTimes(2);
  });

  it('and takes an empty file of a submodule, as newer releases show it, for what it is', async () => {
    const entry: TreeEntry = { ...file('lib'), type: 'commit', mode: '160000' };
    const { open } = repository({ lib: '' }, async () => [entry]);
    await expect(open().read('lib')).rejects.toMatchObject({ code: 'E_SUBMODULE' });
  });

  it('and takes an answer without entries for no folder, as older releases mean it', async () => {
    const { open } = repository({}, async () => []);
    expect(await open().read('a/b')).toBeUndefined();
    expect(await open().list?.('a/')).toBeUndefined();
  });

  it('and takes a file for a file where its folder is too large to be listed', async () => {
    const { open } = repository({ a: 'FROM a' }, async () => {
      throw new RemoteError('too many', { code: 'E_GITLAB', retryable: false });
    });
    expect((await open().read('a'))?.toString()).toBe('FROM a');
  });

  it('again after a failure', async () => {
    const { gitlab, open } = repository({ a: 'FROM a\n' }, async () => undefined);
    gitlab.file.mockRejectedValueOnce(new RemoteError('away', { code: 'E_GITLAB' }));
    await expect(open().read('a')).rejects.toMatchObject({ message: 'away' });
    expect((await open().read('a'))?.toString()).toBe('FROM a\n');
  });
});

it('keeps no more bytes than it may', async () => {
  const cache = createFileCache(3_000);
  const load = vi.fn(async () => Buffer.alloc(1_000));
  const read = (path: string) => cache.read({ project: 1, sha: 's', path }, load);
  for (const path of ['a', 'b', 'c', 'a', 'c']) await read(path);
  expect(load).toHaveBeenCalledTimes(4);
});
