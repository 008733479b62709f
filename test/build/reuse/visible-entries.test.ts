/** What counts of a context: only what the build can see, and always all of that. */
import { describe, expect, it } from 'vitest';
import { visiblePaths } from '../../../src/build/context/visible.ts';
import { Obstacle } from '../../../src/build/reuse/obstacle.ts';
import { visibleEntries } from '../../../src/build/reuse/visible-entries.ts';
import type { TreeEntry } from '../../../src/clients/gitlab-repository.ts';

/** Path → content; `-> x` is a link, `@x` a submodule, `+x` may be run. */
type Repository = Record<string, string>;

function entryOf(path: string, name: string, isFolder: boolean, text: string): TreeEntry {
  const common = { name, path, id: isFolder ? `tree(${text})` : text };
  if (isFolder) return { ...common, type: 'tree', mode: '040000' };
  if (text.startsWith('@')) return { ...common, type: 'commit', mode: '160000' };
  if (text.startsWith('->')) return { ...common, type: 'blob', mode: '120000' };
  return { ...common, type: 'blob', mode: text.startsWith('+') ? '100755' : '100644' };
}

/** A GitLab that shows one commit, and counts what it is asked. */
function gitlabOf(repository: Repository) {
  const asked: string[] = [];
  const under = (folder: string) =>
    Object.entries(repository).filter(([path]) => path.startsWith(folder));
  return {
    asked,
    async tree(_: number, { path = '' }: { path?: string }) {
      asked.push(`tree ${path}`);
      const prefix = path === '' ? '' : `${path}/`;
      const names = new Set(
        under(prefix).map(([file]) => file.slice(prefix.length).split('/')[0] ?? ''),
      );
      if (names.size === 0) return undefined;
      return [...names].map((name) => {
        const file = repository[prefix + name];
        return entryOf(
          prefix + name,
          name,
          file === undefined,
          file ?? JSON.stringify(under(`${prefix}${name}/`)),
        );
      });
    },
    async file(_: number, path: string) {
      asked.push(`file ${path}`);
      const text = repository[path];
      return text === undefined ? undefined : Buffer.from(text);
    },
  };
}

interface Case {
  dockerfile?: string;
  context?: string;
  path?: string;
}

async function entries(
  repository: Repository,
  { dockerfile = 'COPY . /', context = '', path }: Case = {},
) {
  const gitlab = gitlabOf(repository);
  const visible = visiblePaths(Buffer.from(`FROM a\n${dockerfile}\n`), { args: {} });
  const place = path ?? (context === '' ? 'Dockerfile' : `${context}/Dockerfile`);
  const found = await visibleEntries({
    ...{ gitlab, project: 1, sha: 'x', context, dockerfile: place, visible },
  });
  return { found: found.sort(), asked: gitlab.asked };
}

const base: Repository = {
  Dockerfile: 'as written',
  'README.md': 'r',
  'web/a': '1',
  'web/b/c': '2',
  'api/x': '3',
};

/** True where the change makes another context. */
async function differs(change: Repository, given: Case = {}, before = base): Promise<boolean> {
  const [one, two] = [await entries(before, given), await entries({ ...before, ...change }, given)];
  return JSON.stringify(one.found) !== JSON.stringify(two.found);
}

describe('of the whole context', () => {
  it('one question is enough', async () => {
    expect((await entries(base)).asked).toEqual(['tree ']);
  });

  it.each<[string, Repository]>([
    ['a file', { 'README.md': 'x' }],
    ['a file in a folder', { 'web/b/c': 'x' }],
    ['a new file', { new: 'x' }],
    ['the right to run it', { 'README.md': '+r' }],
    ['a link', { 'README.md': '-> api' }],
    ['a submodule', { lib: '@1' }],
  ])('%s counts', async (_, change) => expect(await differs(change)).toBe(true));

  it('the Dockerfile does not, since its expanded form does', async () => {
    expect(await differs({ Dockerfile: 'x' })).toBe(false);
  });

  it.each<[string, Repository, Repository, boolean]>([
    ['a file that is ignored', { '.dockerignore': '*.md' }, { 'README.md': 'x' }, false],
    ['a folder that is ignored', { '.dockerignore': 'api' }, { 'api/x': 'x' }, false],
    ['the rules themselves', { '.dockerignore': 'api' }, { '.dockerignore': 'api\n' }, true],
    [
      'a folder of which something is not',
      { '.dockerignore': 'api\n!api/x' },
      { 'api/x': 'x' },
      true,
    ],
    [
      'a file that is brought back',
      { '.dockerignore': '*.md\n!README.md' },
      { 'README.md': 'x' },
      true,
    ],
    ['a file inside an ignored pattern', { '.dockerignore': 'api/*' }, { 'api/x': 'x' }, true],
    ['all, where Docker refuses the rules', { '.dockerignore': '[' }, { 'README.md': 'x' }, true],
    [
      'what rules of its own leave in',
      { '.dockerignore': 'api', 'Dockerfile.dockerignore': 'web' },
      { 'api/x': 'x' },
      true,
    ],
    [
      'what rules of its own leave out',
      { '.dockerignore': 'api', 'Dockerfile.dockerignore': 'web' },
      { 'web/a': 'x' },
      false,
    ],
  ])('%s', async (_, ignore, change, wanted) => {
    expect(await differs(change, {}, { ...base, ...ignore })).toBe(wanted);
  });
});

describe('of what COPY names', () => {
  const web = { dockerfile: 'COPY web/b /' };

  it('other files do not count, and those named do', async () => {
    expect(await differs({ 'README.md': 'x', 'api/x': 'x', 'web/a': 'x' }, web)).toBe(false);
    expect(await differs({ 'web/b/c': 'x' }, web)).toBe(true);
    expect(await differs({ 'web/b/d': 'x' }, web)).toBe(true);
    expect((await entries(base, web)).asked).toEqual(['tree ', 'tree web']);
  });

  it('rules of what is ignored count', async () => {
    expect(await differs({ '.dockerignore': 'x' }, web)).toBe(true);
    expect(await differs({ 'Dockerfile.dockerignore': 'x' }, web)).toBe(true);
    expect(
      await differs(
        { 'docker/Dockerfile.dockerignore': 'x' },
        { ...web, path: 'docker/Dockerfile' },
      ),
    ).toBe(true);
  });

  it.each<[string, Repository, string]>([
    ['is a link', { web: '-> api' }, 'COPY web /'],
    ['passes a link', { web: '-> api' }, 'COPY web/b /'],
    ['passes a link deeper down', { 'web/b': '-> ../api' }, 'COPY web/b/x /'],
    ['may match a link', { 'web/a': '-> ../api/x' }, 'COPY web/* /'],
  ])('all counts where it %s', async (_, change, dockerfile) => {
    const { 'web/a': _a, 'web/b/c': _c, ...others } = base;
    const repository = { ...others, ...change };
    expect(await differs({ 'api/x': 'x' }, { dockerfile }, repository)).toBe(true);
  });

  it('a name that is not there counts, once it is', async () => {
    const given = { dockerfile: 'COPY later web /' };
    expect(await differs({ later: 'x' }, given)).toBe(true);
  });

  it('attributes of git count, though neither copied nor left in by .dockerignore', async () => {
    const attributes = { '.gitattributes': 'web/key export-ignore' };
    expect(await differs(attributes, { dockerfile: 'COPY web /' })).toBe(true);
    const hidden = { ...base, '.dockerignore': '.git*', '.gitattributes': '* text' };
    expect(await differs(attributes, { dockerfile: 'COPY . /' }, hidden)).toBe(true);
  });

  it('attributes of git in a folder that COPY passes cannot be told', async () => {
    const repository = { ...base, 'web/deep/x': '1', 'web/.gitattributes': 'deep/x export-subst' };
    const asked = entries(repository, { dockerfile: 'COPY web/deep /' });
    await expect(asked).rejects.toThrow(Obstacle);
  });

  it('a submodule counts by its commit', async () => {
    const before = { ...base, lib: '@1' };
    expect(await differs({ lib: '@2' }, { dockerfile: 'COPY lib/src /' }, before)).toBe(true);
  });

  it('many folders are not asked for one by one', async () => {
    const folders = Array.from({ length: 12 }, (_, n) => `f${n}/x`);
    const repository = { ...base, ...Object.fromEntries(folders.map((path) => [path, '1'])) };
    const { asked } = await entries(repository, { dockerfile: `COPY ${folders.join(' ')} /` });
    expect(asked).toEqual(['tree ']);
  });
});

describe('of a folder as context', () => {
  const web = { context: 'web' };

  it('only the folder counts, and attributes above it', async () => {
    expect(await differs({ 'api/x': 'x' }, web)).toBe(false);
    expect(await differs({ 'web/a': 'x' }, web)).toBe(true);
    expect(await differs({ '.gitattributes': '* text' }, web)).toBe(true);
  });

  it('a Dockerfile elsewhere has its own rules', async () => {
    const given = { ...web, path: 'docker/Dockerfile' };
    expect(await differs({ 'docker/Dockerfile.dockerignore': 'a' }, given)).toBe(true);
  });

  it('that is not there cannot be told', async () => {
    await expect(entries(base, { context: 'none' })).rejects.toThrow(Obstacle);
  });
});

it.each([
  ['.gitattributes', ''],
  ['.gitattributes', 'web'],
  ['web/.gitattributes', 'web'],
])('files that hold the commit cannot be told: %s, context %j', async (path, context) => {
  await expect(entries({ ...base, [path]: 'x export-subst' }, { context })).rejects.toThrow(
    '.gitattributes puts the commit into files (export-subst)',
  );
});
