/** What the log says of a context, where files of the repository were made to do harm. */
import { expect, it } from 'vitest';
import { createNotes } from '../../../src/build/context/notes.ts';

it('reads a .gitmodules of blank lines and long ones at once', async () => {
  const lines = [
    '\n'.repeat(500_000),
    `\tpath = ${' '.repeat(500_000)}x`,
    '[submodule "lib"]',
    '\tpath = "vendor/lib"\r',
  ];
  const notes = createNotes({
    gitlab: { file: async () => Buffer.from(lines.join('\n')), tree: async () => [] },
    ...{ build: { project: 1, sha: 'f00' }, plan: { context: 'vendor' } },
    ...{ dockerfile: { bytes: Buffer.from('FROM x\n'), map: [] }, named: [] },
    ...{ ignoreFile: undefined, ignores: undefined },
  });
  const found = { pointers: { names: [], count: 0 }, links: [], emptyFolders: ['lib', 'other'] };
  const nothing = { see: () => undefined, look: () => undefined, has: () => true };
  expect(await notes.of({ ...found, ...nothing })).toBe(
    "left out: submodule vendor/lib (git submodules are not in GitLab's archives)\n",
  );
});
