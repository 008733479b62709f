/** What comes out of an expansion: bytes, line map, record and warnings. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { expandDockerfile, originOf, renderOrigin } from '../../../src/build/dockerfile/index.ts';
import { expandFiles, type Files } from './repository.ts';

const templates = {
  'node@9.9.0': 'FROM node:9.9\n',
  'node@9.10.1': 'FROM node:9.10\n',
  'node@20.0.0': 'FROM node:20\n',
  'node@20.1.0-rc.1': 'FROM node:20-rc\n',
};

test.each<[name: string, files: Files, want: string | Buffer]>([
  ['a file', { Dockerfile: 'FROM a\nINCLUDE b\nCMD c\n', b: 'RUN b\n' }, 'FROM a\nRUN b\nCMD c\n'],
  ['.dockerfile added', { Dockerfile: 'INCLUDE b\n', 'b.dockerfile': 'RUN b\n' }, 'RUN b\n'],
  [
    'the exact name first',
    { Dockerfile: 'INCLUDE b', b: 'RUN 1', 'b.dockerfile': 'RUN 2' },
    'RUN 1',
  ],
  [
    'a folder of that name',
    { Dockerfile: 'INCLUDE b', 'b/x': '', 'b.dockerfile': 'RUN 2' },
    'RUN 2',
  ],
  [
    'blanks below an escape alone',
    { Dockerfile: '\\\n \\\n  INCLUDE b\n', b: 'RUN b\n' },
    'RUN b\n',
  ],
  ['lower case and blanks', { Dockerfile: '  include\tb  \n', b: 'RUN b\n' }, 'RUN b\n'],
  [
    'CRLF kept',
    { Dockerfile: 'FROM a\r\nINCLUDE b\r\nCMD c\r\n', b: 'RUN b\r\n' },
    'FROM a\r\nRUN b\r\nCMD c\r\n',
  ],
  ['a final newline added', { Dockerfile: 'INCLUDE b\nCMD c\n', b: 'RUN b' }, 'RUN b\nCMD c\n'],
  [
    'none added to a last line without one',
    { Dockerfile: 'FROM a\nINCLUDE b', b: 'RUN b' },
    'FROM a\nRUN b',
  ],
  [
    'one added below a nested file',
    { Dockerfile: 'INCLUDE b\nCMD c', b: 'INCLUDE d', d: 'RUN d' },
    'RUN d\nCMD c',
  ],
  ['an empty file', { Dockerfile: 'FROM a\nINCLUDE b\nCMD c\n', b: '' }, 'FROM a\nCMD c\n'],
  ['comments only', { Dockerfile: 'FROM a\nINCLUDE b\nCMD c\n', b: '# b' }, 'FROM a\n# b\nCMD c\n'],
  [
    'a continued INCLUDE',
    { Dockerfile: 'FROM a\nINCLUDE \\\n# x\n\n b\nCMD c\n', b: 'RUN b\n' },
    'FROM a\nRUN b\nCMD c\n',
  ],
  [
    'an INCLUDE below a lone escape',
    { Dockerfile: '\\\nINCLUDE b\nCMD c', b: 'RUN b' },
    'RUN b\nCMD c',
  ],
  ['a keyword in two parts', { Dockerfile: 'INC\\\nLUDE b\nCMD c', b: 'RUN b' }, 'RUN b\nCMD c'],
  ['an open end', { Dockerfile: 'FROM a\nINCLUDE b \\', b: 'RUN b\n' }, 'FROM a\nRUN b\n'],
  ['single quotes', { Dockerfile: "INCLUDE 'a $b'", 'a $b': 'RUN b' }, 'RUN b'],
  ['double quotes', { Dockerfile: 'INCLUDE "a \\"b\\\\"', 'a "b\\': 'RUN b' }, 'RUN b'],
  ['an escaped blank', { Dockerfile: 'INCLUDE a\\ b', 'a b': 'RUN b' }, 'RUN b'],
  ['a name that is no ASCII', { Dockerfile: 'INCLUDE é', é: 'RUN b' }, 'RUN b'],
  [
    'the byte order mark of a fragment dropped',
    { Dockerfile: 'FROM a\nINCLUDE b', b: '\ufeffRUN b' },
    'FROM a\nRUN b',
  ],
  [
    'the byte order mark of the Dockerfile kept',
    { Dockerfile: '\ufeffINCLUDE b', b: 'RUN b' },
    '\ufeffRUN b',
  ],
  [
    'directives of a fragment dropped',
    { Dockerfile: 'INCLUDE b\nCMD c', b: '# syntax=x\n# escape=\\\n# check=y\n# d\nRUN b' },
    '# d\nRUN b\nCMD c',
  ],
  [
    'directives of the Dockerfile kept',
    { Dockerfile: '# escape=`\nINCLUDE b', b: 'RUN a `\n b' },
    '# escape=`\nRUN a `\n b',
  ],
  ['the same file twice', { Dockerfile: 'INCLUDE b\nINCLUDE b\n', b: 'RUN b\n' }, 'RUN b\nRUN b\n'],
  [
    '--once',
    { Dockerfile: 'INCLUDE b\nINCLUDE --once b\nFROM x\nINCLUDE --once b\n', b: 'RUN b\n' },
    'RUN b\nFROM x\nRUN b\n',
  ],
  [
    'once by the fragment',
    { Dockerfile: 'INCLUDE b\nINCLUDE b\n', b: '# ekiden: once\nRUN b\n' },
    '# ekiden: once\nRUN b\n',
  ],
  [
    'bytes that are no UTF-8',
    { Dockerfile: 'INCLUDE b', b: Buffer.from('RUN \xff\xfe', 'latin1') },
    Buffer.from('RUN \xff\xfe', 'latin1'),
  ],
])('splices %s', async (_name, files, want) => {
  const { bytes } = await expandFiles({ files });
  expect(bytes.equals(Buffer.from(want)), bytes.toString()).toBe(true);
});

test.each<[source: string, want: string]>([
  ['template:node@9.9.0', 'template:node@9.9.0'],
  ['template:node@9.10', 'template:node@9.10.1'],
  ['template:node@9', 'template:node@9.10.1'],
  ['template:node@20', 'template:node@20.0.0'],
  ['template:node@20.1.0-rc.1', 'template:node@20.1.0-rc.1'],
  ['template:node', 'template:node@20.0.0'],
])('takes %s as %s', async (source, want) => {
  const { included } = await expandFiles({
    files: { Dockerfile: `INCLUDE ${source}\n` },
    templates,
  });
  expect(included.map(({ file }) => file)).toEqual([want]);
});

test.each<[file: string, path: string, want: string]>([
  ['Dockerfile', 'a', 'a'],
  ['Dockerfile', './a', 'a'],
  ['services/web/Dockerfile', 'a', 'services/web/a'],
  ['services/web/Dockerfile', '../a', 'services/a'],
  ['services/web/Dockerfile', '../../docker/a', 'docker/a'],
  ['services/web/Dockerfile', '/docker//a', 'docker/a'],
  ['services/web/Dockerfile', 'b/../a', 'services/web/a'],
])('reads in %s the path %s as %s', async (file, path, want) => {
  const files = { [file]: `INCLUDE ${path}\n`, [want]: 'RUN x\n' };
  expect((await expandFiles({ files, file })).included[0]?.file).toBe(want);
});

test('resolves nested paths from the folder of the fragment', async () => {
  const files = { Dockerfile: 'INCLUDE docker/a', 'docker/a': 'INCLUDE b', 'docker/b': 'RUN b' };
  expect((await expandFiles({ files })).bytes.toString()).toBe('RUN b');
});

test.each<[name: string, source: string]>([
  ['no word', 'FROM a\nRUN b\n'],
  ['a comment', '# INCLUDE b\nFROM a\n'],
  ['a continued RUN', 'RUN a \\\nINCLUDE b\n'],
  ['a comment in a continued RUN', 'RUN a \\\n# x\nINCLUDE b\n'],
  ['a heredoc', 'RUN <<E\nINCLUDE b\nE\n'],
  ['a longer word', 'INCLUDEX b\nINCLUDE+ b\nINCLUDE_ARGS b\nINCLUDE\u00a0b\n'],
  ['no text at all', '\0\xff'],
  ['nothing', ''],
])('gives the same buffer back for %s', async (_name, source) => {
  const bytes = Buffer.from(source);
  const expansion = await expandDockerfile({
    file: 'Dockerfile',
    read: async (path) => (path === 'Dockerfile' ? bytes : undefined),
    templates: { versions: async () => undefined, read: async () => bytes },
  });
  expect(expansion.bytes).toBe(bytes);
  expect(expansion.warnings).toEqual([]);
});

test('maps every line to where it was written', async () => {
  const files = {
    Dockerfile: '# top\nINCLUDE template:node@20\nINCLUDE docker/a\n# tail\nCMD x',
    'docker/a': '# syntax=x\nRUN a \\\n  b\nINCLUDE c\nRUN d',
    'docker/c': 'ENV C=1\n\n',
  };
  const { bytes, map } = await expandFiles({ files, templates });
  const lines = bytes.toString().split('\n');
  const origins = lines.map((_, index) => {
    const origin = originOf(map, index + 1);
    return origin && renderOrigin(origin);
  });
  expect(lines.map((line, index) => `${line} | ${origins[index]}`)).toEqual([
    '# top | Dockerfile:1',
    'FROM node:20 | Dockerfile:2 → template:node@20.0.0:1',
    'RUN a \\ | Dockerfile:3 → docker/a:2',
    '  b | Dockerfile:3 → docker/a:3',
    'ENV C=1 | Dockerfile:3 → docker/a:4 → docker/c:1',
    ' | Dockerfile:3 → docker/a:4 → docker/c:2',
    'RUN d | Dockerfile:3 → docker/a:5',
    '# tail | Dockerfile:4',
    'CMD x | Dockerfile:5',
  ]);
  expect(originOf(map, 0)).toBeUndefined();
  expect(originOf(map, 10)).toBeUndefined();
});

test('maps a file without INCLUDE to itself', async () => {
  const { map } = await expandFiles({ files: { Dockerfile: 'FROM a\nRUN b' } });
  expect(map).toEqual([{ file: 'Dockerfile', line: 1, count: 2, via: [] }]);
});

test('does not let an INCLUDE that comes to nothing make a directive of a comment', async () => {
  const files = { Dockerfile: 'INCLUDE b\n# escape=`\nRUN a \\\n c\n', b: '# syntax=x\n' };
  const { bytes, map } = await expandFiles({ files });
  expect(bytes.toString()).toBe('#\n# escape=`\nRUN a \\\n c\n');
  expect(originOf(map, 3)?.line).toBe(3);
});

test.each<[name: string, b: string, want: string]>([
  ['below a line of #!', '#!/x\n# syntax=y\n', '#\n#!/x\n# syntax=y\n'],
  ['behind two slashes', '// syntax=y\n', '#\n// syntax=y\n'],
  ['as JSON', '{"syntax":"y"}\n', '#\n{"syntax":"y"}\n'],
  ['with a CR in it', '# syntax=y \rz\nRUN a\n', 'RUN a\n'],
  [
    'below a comment of that form, as Docker 20.10',
    '# a=b\n# syntax=y\n',
    '#\n# a=b\n# syntax=y\n',
  ],
  ['below blank lines', '\n# syntax=y\n', '\n# syntax=y\n'],
])('lets no fragment set a directive %s', async (_name, b, want) => {
  const { bytes } = await expandFiles({ files: { Dockerfile: 'INCLUDE b\n', b } });
  expect(bytes.toString()).toBe(want);
});

test.each<[name: string, files: Files, want: string]>([
  ['a line of #!', { Dockerfile: '#!/x\nINCLUDE b\n', b: '//syntax=y\n' }, '#!/x\n#\n//syntax=y\n'],
  [
    'a line of #! from another one',
    { Dockerfile: 'INCLUDE a\nINCLUDE b\n', a: '#!/x\n', b: '//syntax=y\n' },
    '#!/x\n#\n//syntax=y\n',
  ],
  [
    'a directive and a comment of that form',
    { Dockerfile: '# syntax=x\n# a=b\nINCLUDE b\n', b: '# c=d\n# syntax=y\n' },
    '# syntax=x\n# a=b\n#\n# c=d\n# syntax=y\n',
  ],
  [
    'blank lines, as JSON',
    { Dockerfile: '\nINCLUDE b\n', b: ' {"syntax":"y"}\n' },
    '\n#\n {"syntax":"y"}\n',
  ],
  ['a comment', { Dockerfile: '# x\nINCLUDE b\n', b: '//syntax=y\n' }, '# x\n//syntax=y\n'],
])('lets no fragment set a directive below %s', async (_name, files, want) => {
  const { bytes } = await expandFiles({ files });
  expect(bytes.toString()).toBe(want);
});

test('takes a byte order mark alone for no line', async () => {
  const files = { Dockerfile: '\ufeffINCLUDE b\nRUN a\n', b: '' };
  const { bytes, map } = await expandFiles({ files });
  expect(bytes.toString()).toBe('\ufeffRUN a\n');
  expect(originOf(map, 1)?.line).toBe(2);
});

test('leaves directives of the Dockerfile itself in any form', async () => {
  const Dockerfile = '#!/x\n# syntax=y\nINCLUDE b\n';
  const { bytes } = await expandFiles({ files: { Dockerfile, b: 'RUN b\n' } });
  expect(bytes.toString()).toBe('#!/x\n# syntax=y\nRUN b\n');
});

test('records what was included, from where', async () => {
  const files = { Dockerfile: 'FROM a\nINCLUDE b\n', b: 'RUN b\n' };
  const sha256 = createHash('sha256').update('RUN b\n').digest('hex');
  expect((await expandFiles({ files })).included).toEqual([
    { source: 'b', file: 'b', sha256, at: { file: 'Dockerfile', line: 2 } },
  ]);
});

test('reads each file once, however often it is included', async () => {
  const reads: string[] = [];
  const files: Files = {
    Dockerfile: 'INCLUDE a\nINCLUDE b\nINCLUDE a\n',
    a: 'INCLUDE b\n',
    b: 'RUN b\n',
  };
  await expandDockerfile({
    file: 'Dockerfile',
    read: async (path) => {
      reads.push(path);
      return Buffer.from(files[path] ?? '');
    },
    templates: { versions: async () => undefined, read: async () => Buffer.alloc(0) },
  });
  expect(reads.sort()).toEqual(['Dockerfile', 'a', 'b']);
});
