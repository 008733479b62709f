/** What the log says of a context, where files of the repository were made to do harm. */
import { expect, it } from 'vitest';
import { createNotes, type NotesOptions } from '../../../src/build/context/notes.ts';

const noFindings = {
  ...{ pointers: { names: [], count: 0 }, links: [], emptyFolders: [] as string[] },
  ...{ see: () => undefined, look: () => undefined },
  ...{ hasCommit: () => false, suspectCommit: () => undefined },
};

function notesOf(options: Partial<NotesOptions>) {
  return createNotes({
    gitlab: { file: async () => undefined, tree: async () => [] },
    ...{ build: { project: 1, sha: 'f00' }, plan: { context: '' }, named: [] },
    dockerfile: { bytes: Buffer.from('FROM x\n'), map: [] },
    ...{ ignoreFile: undefined, ignores: undefined, signal: new AbortController().signal },
    ...options,
  });
}

it('reads a .gitmodules of blank lines and long ones at once', async () => {
  const lines = [
    '\n'.repeat(500_000),
    `\tpath = ${' '.repeat(500_000)}x`,
    '[submodule "lib"]',
    '\tpath = "vendor/lib"\r',
  ];
  const gitlab = { file: async () => Buffer.from(lines.join('\n')), tree: async () => [] };
  const notes = notesOf({ gitlab, plan: { context: 'vendor' } });
  const found = { ...noFindings, emptyFolders: ['lib', 'other'], has: () => true };
  expect(await notes.of(found)).toBe(
    "left out: submodule vendor/lib (git submodules are not in GitLab's archives)\n",
  );
});

it('asks for missing files side by side, and leaves out what GitLab does not answer in time', async () => {
  const named = [...'abcdefghijklmnop'].map((name) => `${name}/file`);
  const asked: (string | undefined)[] = [];
  const never = new Promise<never>(() => undefined);
  const tree: NotesOptions['gitlab']['tree'] = async (_project, { path }) => {
    asked.push(path);
    if (path !== 'b') return never;
    return [{ name: 'file', path: 'b/file', id: 'f00', type: 'blob', mode: '100644' }];
  };
  const ignores = (path: string) => path === 'p/file';
  const notes = notesOf({
    ...{ gitlab: { file: () => never, tree }, named, patience: 20 },
    ...{ ignores, ignoreFile: '.dockerignore' },
  });
  expect(await notes.of({ ...noFindings, emptyFolders: ['lib'], has: () => false })).toBe(
    `missing in the build context: b/file: .gitattributes keeps it out of GitLab's archives (export-ignore)
missing in the build context: p/file: .dockerignore leaves it out
`,
  );
  expect(asked.length).toBeLessThan(named.length);
});

it('asks for nothing more once the build is given up', async () => {
  const asked: string[] = [];
  const given = new AbortController();
  const file = (_project: number, path: string) => {
    asked.push(path);
    given.abort();
    return new Promise<never>(() => undefined);
  };
  const gitlab = { file, tree: async () => [] };
  const notes = notesOf({ gitlab, signal: given.signal });
  expect(await notes.of({ ...noFindings, emptyFolders: ['lib'], has: () => true })).toBe('');
  expect(asked).toEqual(['.gitmodules']);
});
