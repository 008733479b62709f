/** Expansion of files in a working tree, as `ekiden expand` does it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  createTemplates,
  expandFile,
  formatExpansion,
  IncludeError,
} from '../../../src/build/dockerfile/index.ts';

const base = mkdtempSync(join(tmpdir(), 'ekiden-expand-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const tree = join(base, 'tree');
const files = {
  'tree/.git/HEAD': '',
  'tree/services/web/Dockerfile': 'INCLUDE /docker/base\nINCLUDE template:t@1\nCMD x',
  'tree/docker/base.dockerfile': 'FROM a\n',
  'tree/services/web/inner': 'INCLUDE link\n',
  'tree/services/web/outer': 'INCLUDE way-out\n',
  'tree/services/web/folder': 'INCLUDE ../../docker\n',
  'tree/services/web/pipe': 'INCLUDE fifo\n',
  'tree/services/web/circle': 'INCLUDE round\n',
  'tree/services/web/hops': 'INCLUDE hop0\n',
  'tree/services/web/fewer-hops': 'INCLUDE hop1\n',
  'tree/services/web/absolute': 'INCLUDE from-root\n',
  'tree/services/web/of-git': 'INCLUDE /.git/HEAD\n',
  'tree/services/web/of-submodule': 'INCLUDE vendored/base\n',
  'tree/vendor/x/.git': 'gitdir: elsewhere\n',
  'tree/vendor/x/base': 'FROM x\n',
  'tree/services/web/long': `INCLUDE ${'x'.repeat(300)}\n`,
  'tree/services/web/long-template': `INCLUDE template:${'x'.repeat(300)}@1\n`,
  'tree/services/web/above': 'INCLUDE ../../docker/base\n',
  'tree/above': 'INCLUDE docker/base\n',
  'tree/..odd': 'FROM odd\n',
  'templates/t/1.0.0.dockerfile': 'RUN t',
  secret: 'RUN secret\n',
};
for (const [path, content] of Object.entries(files)) {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), content);
}
symlinkSync('../../docker/base.dockerfile', join(tree, 'services/web/link'));
symlinkSync('../../../secret', join(tree, 'services/web/way-out'));
symlinkSync('round', join(tree, 'services/web/round'));
symlinkSync(join(tree, 'docker/base.dockerfile'), join(tree, 'services/web/from-root'));
symlinkSync('../../vendor/x', join(tree, 'services/web/vendored'));
for (let hop = 0; hop < 9; hop++) {
  const target = hop < 8 ? `hop${hop + 1}` : '../../docker/base.dockerfile';
  symlinkSync(target, join(tree, `services/web/hop${hop}`));
}
symlinkSync(tree, join(base, 'linked-tree'));
symlinkSync(join(tree, 'services/web'), join(base, 'linked-web'));
symlinkSync('services/web', join(tree, 'short'));
execFileSync('mkfifo', [join(tree, 'services/web/fifo')]);

const expand = (file: string, root?: string) =>
  expandFile({
    file: join(tree, 'services/web', file),
    templates: createTemplates(join(base, 'templates')),
    ...(root === undefined ? {} : { root }),
  });

test('takes the git top level as the root', async () => {
  const { bytes, map } = await expand('Dockerfile');
  expect(bytes.toString()).toBe('FROM a\nRUN t\nCMD x');
  expect(map.map(({ file }) => file)).toEqual([
    'docker/base.dockerfile',
    'template:t@1.0.0',
    'services/web/Dockerfile',
  ]);
});

test.each([
  ['a root without the file', 'Dockerfile', 'E_NOT_FOUND', join(tree, 'services')],
  ['a link out of the root', 'outer', 'E_SYMLINK', undefined],
  ['a link to itself', 'circle', 'E_SYMLINK', undefined],
  ['more links than a build follows', 'hops', 'E_SYMLINK', undefined],
  ['a link from the root of the machine', 'absolute', 'E_SYMLINK', undefined],
  ['a link into a submodule', 'of-submodule', 'E_SUBMODULE', undefined],
  ["git's own files", 'of-git', 'E_NOT_FOUND', undefined],
  ['a name that no file can have', 'long', 'E_NOT_FOUND', undefined],
  ['a name that no template can have', 'long-template', 'E_TEMPLATE_UNKNOWN', undefined],
  ['a folder', 'folder', 'E_IS_DIRECTORY', undefined],
  ['what is no regular file', 'pipe', 'E_NOT_FOUND', undefined],
])('refuses %s', async (_name, file, code, root) => {
  const error = await expand(file, root).catch((caught) => caught);
  expect(error).toBeInstanceOf(IncludeError);
  expect(error).toMatchObject({ code });
});

test("names none of git's own files in a hint", async () => {
  const error = await expand('of-git').catch((caught) => caught);
  expect([error.message, error.hint]).not.toContainEqual(expect.stringMatching(/leads|mean/));
});

test.each(['none', '.', '../..'])('says where there is no Dockerfile %s', async (file) => {
  const path = join(tree, 'services/web', file);
  await expect(expand(file)).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
    message: `there is no file ${path}`,
  });
});

test('refuses a file outside of the root', async () => {
  await expect(expand('Dockerfile', join(tree, 'docker'))).rejects.toMatchObject({
    code: 'E_ESCAPES_REPO',
  });
});

test('follows links within the root', async () => {
  expect((await expand('inner')).bytes.toString()).toBe('FROM a\n');
  expect((await expand('fewer-hops')).bytes.toString()).toBe('FROM a\n');
});

test('prints the bytes, or text and lines as JSON', async () => {
  const expansion = await expand('inner');
  expect(formatExpansion(expansion)).toBe(expansion.bytes);
  expect(JSON.parse(formatExpansion(expansion, { map: true }).toString())).toEqual({
    text: 'FROM a\n',
    encoding: 'utf-8',
    lines: [{ file: 'services/web/link', line: 1, count: 1 }],
  });
  const bytes = Buffer.from([0xff, 0x0a]);
  const latin1 = formatExpansion({ ...expansion, bytes }, { map: true });
  expect(JSON.parse(latin1.toString())).toMatchObject({ text: '/wo=', encoding: 'base64' });
});

test.each([
  ['a file by a link to its folder', 'linked-web/above', undefined],
  ['a root by a link to it', 'tree/services/web/above', 'linked-tree'],
  ['a root and a file by links', 'linked-web/above', 'linked-tree'],
  ['a root by its name and a file by a link', 'linked-web/above', 'tree'],
])('finds %s', async (_name, file, root) => {
  const { bytes, map } = await expandFile({
    file: join(base, file),
    templates: createTemplates(join(base, 'templates')),
    ...(root === undefined ? {} : { root: join(base, root) }),
  });
  expect([bytes.toString(), map[0]?.file]).toEqual(['FROM a\n', 'docker/base.dockerfile']);
});

test('a folder that is a link of the repository is where the file lies, as for a build', async () => {
  const error = await expand('../../short/above').catch((caught) => caught);
  expect(error).toMatchObject({ code: 'E_ESCAPES_REPO' });
  expect((await expand('../../..odd')).bytes.toString()).toBe('FROM odd\n');
});
