/** Every code of the error catalogue, with its place; what it looks like; and what is passed on. */
import { expect, test } from 'vitest';
import { expandDockerfile, renderDiagnostic } from '../../../src/build/dockerfile/index.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { expandFiles, failureOf, type Setting } from './repository.ts';

const templates = { 'node@20.0.0': 'FROM node:20\n', 'outer@1.0.0': 'INCLUDE a\n' };

function chain(length: number): Record<string, string> {
  const names = Array.from({ length }, (_, index) => `f${index}`);
  return Object.fromEntries(names.map((name, index) => [name, `INCLUDE f${index + 1}\n`]));
}

/** A Dockerfile and perhaps a fragment `b`. */
function of(Dockerfile: string, b?: string): Setting {
  return { files: { Dockerfile, ...(b === undefined ? {} : { b }) }, templates };
}

test.each<[code: string, name: string, setting: Setting, place: string]>([
  ['E_SYNTAX', 'no source', of('INCLUDE\n'), 'Dockerfile:1:1'],
  ['E_SYNTAX', 'only a flag', of('INCLUDE --once\n'), 'Dockerfile:1:1'],
  ['E_SYNTAX', 'an empty source', of('INCLUDE ""\n'), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'an unknown flag', of('INCLUDE --twice b\n'), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'a late flag', of('INCLUDE b --once\n'), 'Dockerfile:1:11'],
  ['E_SYNTAX', 'a comment', of('INCLUDE b # c\n'), 'Dockerfile:1:11'],
  ['E_SYNTAX', 'a word without =', of('INCLUDE b c\n'), 'Dockerfile:1:11'],
  ['E_SYNTAX', 'an open quote', of('FROM a\nINCLUDE \\\n  "b\n'), 'Dockerfile:3:3'],
  ['E_SYNTAX', 'the JSON form', of('INCLUDE ["b"]\n'), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'a NUL byte', of('INCLUDE a\0b\n'), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'a control character', of('INCLUDE a\x1bb\n'), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'a word without end', of(`INCLUDE ${'x'.repeat(5000)}\n`), 'Dockerfile:1:9'],
  ['E_SYNTAX', 'a template name that is none', of('INCLUDE template:../x@1\n'), 'Dockerfile:1:9'],
  [
    'E_ESCAPES_REPO',
    'a path in a template',
    of('INCLUDE template:outer@1\n'),
    'template:outer@1.0.0:1:9',
  ],
  ['E_SCHEME', 'a URL', of('INCLUDE https://x/y\n'), 'Dockerfile:1:9'],
  ['E_SCHEME', 'git over ssh', of('INCLUDE git@x:y\n'), 'Dockerfile:1:9'],
  ['E_SCHEME', 'an image', of('INCLUDE node:20\n'), 'Dockerfile:1:9'],
  ['E_SCHEME', 'a drive', of('INCLUDE C:/x\n'), 'Dockerfile:1:9'],
  ['E_NOT_FOUND', 'a missing file', of('FROM a\n  INCLUDE é/x\n'), 'Dockerfile:2:11'],
  [
    'E_IS_DIRECTORY',
    'a folder',
    { files: { Dockerfile: 'INCLUDE d\n', 'd/x': '' } },
    'Dockerfile:1:9',
  ],
  ['E_IS_DIRECTORY', 'a slash at the end', of('INCLUDE d/\n'), 'Dockerfile:1:9'],
  ['E_IS_DIRECTORY', 'the root', of('INCLUDE /\n'), 'Dockerfile:1:9'],
  ['E_BINARY', 'a NUL byte', of('INCLUDE b\n', 'RUN a\0\n'), 'Dockerfile:1:9'],
  ['E_BINARY', 'control characters', of('INCLUDE b\n', '\x01\x02\x03abc'), 'Dockerfile:1:9'],
  [
    'E_LFS',
    'a pointer',
    of('INCLUDE b\n', 'version https://git-lfs.github.com/spec/v1\noid x\n'),
    'Dockerfile:1:9',
  ],
  ['E_ESCAPES_REPO', 'a path above the root', of('INCLUDE ../x\n'), 'Dockerfile:1:9'],
  ['E_ESCAPES_REPO', 'a way out and in', of('INCLUDE a/../../b\n'), 'Dockerfile:1:9'],
  ['E_ESCAPES_REPO', 'above the root by a slash', of('INCLUDE /../b\n'), 'Dockerfile:1:9'],
  ['E_TEMPLATE_UNKNOWN', 'an unknown template', of('INCLUDE template:nod\n'), 'Dockerfile:1:9'],
  ['E_TEMPLATE_VERSION', 'an unknown version', of('INCLUDE template:node@18\n'), 'Dockerfile:1:9'],
  ['E_TEMPLATE_VERSION', 'no version', of('INCLUDE template:node@\n'), 'Dockerfile:1:9'],
  ['E_CYCLE', 'itself', of('INCLUDE Dockerfile\n'), 'Dockerfile:1:9'],
  [
    'E_CYCLE',
    'each other',
    { files: { Dockerfile: 'INCLUDE b', b: 'INCLUDE c', c: 'FROM a\nINCLUDE b' } },
    'c:2:9',
  ],
  [
    'E_DEPTH',
    '17 files in a row',
    { files: { Dockerfile: 'INCLUDE f0', ...chain(16), f16: '' } },
    'f15:1:9',
  ],
  ['E_COUNT', '101 includes', of('INCLUDE b\n'.repeat(101), ''), 'Dockerfile:101:9'],
  [
    'E_COUNT',
    '101 lines of one repeat',
    of('INCLUDE --once b\n'.repeat(101), ''),
    'Dockerfile:101:16',
  ],
  [
    'E_COUNT',
    'a file of 10 in 11 places',
    { files: { Dockerfile: 'INCLUDE b\n'.repeat(10), b: 'INCLUDE c\n'.repeat(10), c: '' } },
    'b:1:9',
  ],
  ['E_FILE_SIZE', 'a large file', of('INCLUDE b\n', '#'.repeat(256 * 1024 + 1)), 'Dockerfile:1:9'],
  [
    'E_TOTAL_SIZE',
    'many large files',
    of('INCLUDE b\n'.repeat(5), '# 345678\n'.repeat(28_000)),
    'Dockerfile:5:9',
  ],
  [
    'E_LINE_TOO_LONG',
    'in a fragment',
    of('INCLUDE b\n', `RUN a\n#${'x'.repeat(65_535)}\n`),
    'b:2:1',
  ],
  [
    'E_LINE_TOO_LONG',
    'in the Dockerfile',
    of(`INCLUDE b\n#${'x'.repeat(65_535)}`, ''),
    'Dockerfile:2:1',
  ],
  ['E_UNTERMINATED', 'an open end', of('INCLUDE b\n', 'RUN a \\\n b \\\n'), 'b:2:2'],
  ['E_UNTERMINATED', 'an open heredoc', of('INCLUDE b\n', 'FROM a\nRUN <<EOF\nx\n'), 'b:2:1'],
  ['E_ESCAPE_MISMATCH', 'a backtick', of('INCLUDE b\n', '# escape=`\nRUN a\n'), 'b:1:1'],
  [
    'E_ESCAPE_MISMATCH',
    'a backslash',
    of('# escape=`\nINCLUDE b\n', '# escape=\\\nRUN a\n'),
    'b:1:1',
  ],
  ['E_ONBUILD', 'two ONBUILDs', of('ONBUILD onbuild INCLUDE b\n'), 'Dockerfile:1:1'],
  ['E_ONBUILD', 'ONBUILD', of('FROM a\nonbuild \\\n include b\n'), 'Dockerfile:2:1'],
  [
    'E_STAGE_DUPLICATE',
    'two stages of one name',
    of('FROM a AS x\nINCLUDE b\n', '\nFROM --platform=p b as X\n'),
    'b:2:1',
  ],
])('%s: %s', async (code, _name, setting, place) => {
  const { diagnostic, hint, status } = await failureOf(setting);
  const { file, line, column } = diagnostic.place;
  expect([diagnostic.code, `${file}:${line}:${column}`]).toEqual([code, place]);
  expect([hint?.endsWith('.') || hint?.endsWith('?'), status]).toEqual([true, 422]);
});

const grammar = 'INCLUDE [--once] SOURCE [NAME=VALUE ...]';

test.each<[code: string, setting: Setting, message: string, hint: string]>([
  ['E_SYNTAX', of('INCLUDE\n'), 'names no source', grammar],
  ['E_SYNTAX', of('INCLUDE b c\n'), 'c is not of the form NAME=VALUE', grammar],
  ['E_SYNTAX', of('INCLUDE b # c\n'), 'comment', 'a line of its own'],
  ['E_SYNTAX', of('INCLUDE $' + '{A:+b}\n'), '{A:… is no variable', ':-default}'],
  ['E_SCHEME', of('INCLUDE node:20\n'), 'node:20', 'COPY --from'],
  ['E_SCHEME', of('INCLUDE https://x/y\n'), 'https://x/y', 'project:'],
  ['E_VAR_UNDEFINED', of('ARG BASE=1\nINCLUDE $BSAE\n'), 'BSAE', 'Did you mean BASE?'],
  ['E_UNTERMINATED', of('INCLUDE b\n', 'RUN <<-"X Y"\nx\n'), 'X Y', 'X Y alone on the line'],
  ['E_UNTERMINATED', of('INCLUDE b\n', 'RUN a \\\n'), 'goes on', 'whole instructions'],
  ['E_ESCAPE_MISMATCH', of('INCLUDE b\n', '# escape=`\n'), 'escape=`', '# escape='],
  ['E_ONBUILD', of('ONBUILD INCLUDE b\n'), 'ONBUILD', 'builds on this image'],
  [
    'E_STAGE_DUPLICATE',
    of('FROM a AS x\nINCLUDE b\n', 'FROM b AS x\n'),
    'from Dockerfile:1',
    'another name',
  ],
  [
    'E_NOT_FOUND',
    { files: { Dockerfile: 'INCLUDE bse\n', 'base.dockerfile': '' } },
    'bse is not in',
    'Did you mean base.dockerfile?',
  ],
  ['E_TEMPLATE_VERSION', of('INCLUDE template:node@18\n'), 'no version 18', 'such as node@20 '],
  ['E_BINARY', of('INCLUDE b\n', '\0'), 'b is no text', 'COPY'],
  ['E_LINE_TOO_LONG', of('INCLUDE b\n', 'x'.repeat(65_536)), '65536 bytes', 'COPY'],
  ['E_CYCLE', of('INCLUDE b\n', 'INCLUDE b\n'), 'b → b', 'Remove'],
])('%s of %j says what is wrong and what to do', async (code, setting, message, hint) => {
  const { diagnostic } = await failureOf(setting);
  expect(diagnostic).toMatchObject({
    code,
    severity: 'error',
    retryable: false,
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  });
});

test.each<[name: string, setting: Setting]>([
  ['16 files in a row', { files: { Dockerfile: 'INCLUDE f0', ...chain(15), f15: '' } }],
  ['100 includes', of('INCLUDE b\n'.repeat(100), '')],
  ['256 KiB', of('INCLUDE b\n', '#\n'.repeat(128 * 1024))],
  ['a line of 65,535 bytes', of('INCLUDE b\n', `#${'x'.repeat(65_534)}\n`)],
  ['stages of one name in the Dockerfile alone', of('FROM a AS x\nFROM b AS x\nINCLUDE b\n', '')],
  ['an open end of the Dockerfile', of('INCLUDE b\nRUN a \\\n', '')],
])('allows %s', async (_name, setting) => {
  await expect(expandFiles(setting)).resolves.toBeDefined();
});

test('shows the line, a caret, the chain and a hint', async () => {
  const files = {
    'web/Dockerfile': 'FROM a\nINCLUDE ../docker/base\n',
    'docker/base.dockerfile': '# Grundlage für alle\nENV Ä=1\nINCLUDE\t"tomcät.dockerfile"\r\n',
    'docker/tomcat.dockerfile': '',
  };
  const { diagnostic, message } = await failureOf({ files, file: 'web/Dockerfile' });
  expect(message).toBe(
    'docker/base.dockerfile:3:9: docker/tomcät.dockerfile is not in the repository at this commit',
  );
  expect(renderDiagnostic(diagnostic)).toBe(
    [
      'error E_NOT_FOUND: docker/tomcät.dockerfile is not in the repository at this commit',
      ' --> docker/base.dockerfile:3:9',
      '2 | ENV Ä=1',
      '3 | INCLUDE "tomcät.dockerfile"',
      '  |         ^^^^^^^^^^^^^^^^^^^',
      '  included from web/Dockerfile:2',
      '  hint: Did you mean docker/tomcat.dockerfile?',
    ].join('\n'),
  );
});

test('names the whole circle', async () => {
  const files = { Dockerfile: 'INCLUDE a', a: 'INCLUDE b', b: 'INCLUDE a' };
  expect((await failureOf({ files })).message).toContain('a includes itself: a → b → a');
});

test('lists templates and versions, nearest first', async () => {
  const known = { 'java@1.0.0': '', 'node@1.9.0': '', 'node@1.10.0': '' };
  const hintFor = async (source: string) =>
    (await failureOf({ files: { Dockerfile: `INCLUDE template:${source}` }, templates: known }))
      .hint;
  expect(await hintFor('noed@1')).toBe('There are node, java.');
  expect(await hintFor('node@2')).toMatch(/^It has 1\.10\.0, 1\.9\.0;/);
});

test('cuts long lines in the excerpt and keeps control characters from the terminal', async () => {
  const source = `INCLUDE "a\u001b[2Jb${'x'.repeat(300)}"\n`;
  const text = renderDiagnostic((await failureOf({ files: { Dockerfile: source } })).diagnostic);
  const excerpt = text.split('\n').find((line) => line.startsWith('1 | '));
  expect(excerpt?.length).toBe(164);
  expect(excerpt).not.toContain('\u001b');
});

test('reports the first of several errors in file order', async () => {
  const files = { Dockerfile: 'INCLUDE b\nINCLUDE a\n' };
  for (let turn = 0; turn < 5; turn++) {
    expect((await failureOf({ files })).diagnostic.place.line).toBe(1);
  }
});

const noTemplates = { versions: async () => undefined, read: async () => Buffer.alloc(0) };

test('says that there is no Dockerfile', async () => {
  await expect(expandFiles({ files: {} })).rejects.toMatchObject({
    code: 'E_NOT_FOUND',
    status: 422,
  });
});

test.each<[code: string, retryable: boolean, want: object]>([
  ['E_GITLAB', true, { code: 'E_FETCH', retryable: true, message: 'Dockerfile:1:9: away' }],
  ['E_GITLAB_ACCESS', false, { code: 'E_GITLAB_ACCESS', retryable: false, message: 'away' }],
])('tells of %s of the source at the INCLUDE where it may pass', async (code, retryable, want) => {
  const read = async (path: string) => {
    if (path === 'b') throw new RemoteError('away', { code, retryable });
    return Buffer.from('INCLUDE b\n');
  };
  const expansion = expandDockerfile({ file: 'Dockerfile', read, templates: noTemplates });
  await expect(expansion).rejects.toMatchObject(want);
});

test('gives up with a retryable error at the INCLUDE that takes too long', async () => {
  const read = (path: string) =>
    path === 'b'
      ? new Promise<never>(() => undefined)
      : Promise.resolve(Buffer.from('INCLUDE a\nINCLUDE b\n'.slice(path === 'a' ? 20 : 0)));
  const limits = { fetchMs: 20 };
  const expansion = expandDockerfile({ file: 'Dockerfile', read, templates: noTemplates, limits });
  await expect(expansion).rejects.toMatchObject({
    code: 'E_FETCH',
    retryable: true,
    diagnostic: { retryable: true, place: { file: 'Dockerfile', line: 2, column: 9 } },
  });
});

test('gives up where the Dockerfile itself takes too long', async () => {
  const read = () => new Promise<never>(() => undefined);
  const limits = { fetchMs: 20 };
  const expansion = expandDockerfile({ file: 'Dockerfile', read, templates: noTemplates, limits });
  await expect(expansion).rejects.toMatchObject({ code: 'E_FETCH', retryable: true });
});

test.each<[setting: string, files: Setting['files']]>([
  ['EKIDEN_INCLUDE_DEPTH', { Dockerfile: 'INCLUDE f0', ...chain(16), f16: '' }],
  ['EKIDEN_INCLUDE_FILES', { Dockerfile: 'INCLUDE b\n'.repeat(101), b: '' }],
  ['EKIDEN_INCLUDE_FILE_SIZE', { Dockerfile: 'INCLUDE b\n', b: '#'.repeat(256 * 1024 + 1) }],
  [
    'EKIDEN_INCLUDE_TOTAL_SIZE',
    { Dockerfile: 'INCLUDE b\n'.repeat(5), b: '# 345678\n'.repeat(28_000) },
  ],
])('names the setting %s where its limit is passed', async (name, files) => {
  expect((await failureOf({ files })).hint).toContain(name);
});
