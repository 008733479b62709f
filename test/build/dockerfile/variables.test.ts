/** Variables in the words of INCLUDE: where their values come from, and what is said where there are none. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of INCLUDE.
import { expect, test } from 'vitest';
import { expandFiles, type Files, failureOf } from './repository.ts';

const args = { BASE: 'given', EMPTY: '', TEAM: 'wéb', constructor: 'x' };
const variables = { EKIDEN_SHA: 'abc', EKIDEN_REF: 'main', BASE: 'variable' };
const given = { args, variables };

/** The file that `INCLUDE <word>` names below the lines. */
async function namedBy(lines: string, word: string): Promise<string> {
  const error = await failureOf({
    files: { Dockerfile: `${lines}INCLUDE ${word}\n` },
    ...given,
  });
  expect(error.code).toBe('E_NOT_FOUND');
  return error.diagnostic.message.replace(' is not in the repository at this commit', '');
}

test.each<[name: string, lines: string, word: string, want: string]>([
  ['$X', 'ARG A=1\n', 'x/$A', 'x/1'],
  ['${X}', 'ARG A=1\n', 'x/${A}y', 'x/1y'],
  ['${X:-d} set', 'ARG A=1\n', '${A:-d}', '1'],
  ['${X:-d} unset', '', '${A:-d}', 'd'],
  ['${X:-d} empty', 'ARG A=\n', '${A:-d}', 'd'],
  ['${X-d} set', 'ARG A=1\n', '${A-d}', '1'],
  ['${X-d} unset', '', '${A-d}', 'd'],
  ['${X-d} empty', 'ARG A=\n', 'x${A-d}', 'x'],
  ['a default of a variable', 'ARG B=2\n', '${A:-x${B}}', 'x2'],
  ['a default with quotes and blanks', '', '${A:-"b c"}d', 'b cd'],
  ['a default with a brace in quotes', '', "${A:-'}'}", '}'],
  ['nested defaults', '', '${A-${B-${C-d}}}', 'd'],
  ['within double quotes', 'ARG A=1\n', '"x $A ${A}"', 'x 1 1'],
  ['a blank in a value is no separator', 'ARG A="b c"\n', '$A', 'b c'],
  ['an escaped sign', 'ARG A=1\n', '\\$A', '$A'],
  ['an escaped sign in double quotes', 'ARG A=1\n', '"\\$A"', '$A'],
  ['no value is read again', "ARG B=1\nARG A='$B'\n", '$A', '$B'],
  ['a quote in a value is none', `ARG A='"'\n`, 'x$A', 'x"'],
  ['a default that names an ARG', 'ARG A=1\nARG B=${A}x\n', '$B', '1x'],
  ['a default of Docker that is unknown falls back', 'ARG B=$PATH\n', '${B:-d}', 'd'],
  ['single quotes', 'ARG A=1\n', "'$A'", '$A'],
  ['a sign before no name', '', 'a$1$-$', 'a$1$-$'],
  ['two of them', 'ARG A=1 B=2\n', '$A/$B', '1/2'],
  ['the last ARG', 'ARG A=1\nARG A=2\n', '$A', '2'],
  ['an ARG again without a default', 'ARG A=1\nFROM x\nARG A\n', '$A', '1'],
  ['an ARG over a continuation', 'ARG A=1 \\\n# c\n  B=2\n', '$B', '2'],
  ['an ARG in lower case', 'arg A=1\n', '$A', '1'],
  ['a build arg that is declared', 'ARG BASE\n', '$BASE', 'given'],
  ['a build arg over the default', 'ARG BASE=1\n', '$BASE', 'given'],
  ['an empty build arg', 'ARG EMPTY=1\n', 'x$EMPTY', 'x'],
  ['a build arg in UTF-8', 'ARG TEAM\n', 'é$TEAM', 'éwéb'],
  ['a build arg by the name of a method', 'ARG constructor\n', '$constructor', 'x'],
  ['a variable of the build', '', '$EKIDEN_SHA', 'abc'],
  ['a variable of the build below an ARG', 'ARG EKIDEN_SHA=1\n', '$EKIDEN_SHA', '1'],
  ['a build arg that is not declared', '', '$BASE', 'variable'],
])('%s', async (_name, lines, word, want) => {
  expect(await namedBy(lines, word)).toBe(want);
});

test('ARGs that double each other end without a value, and not without end', async () => {
  const lines = Array.from({ length: 200 }, (_, index) => `ARG A${index + 1}=$A${index}$A${index}`);
  const Dockerfile = ['ARG A0=0123456789', ...lines, 'INCLUDE $A200'].join('\n');
  const { code, hint } = await failureOf({ files: { Dockerfile } });
  expect(code).toBe('E_VAR_UNDEFINED');
  expect(hint).toContain('no default that INCLUDE can read');
});

test('a build arg that is longer than a word may be is none', async () => {
  const files = { Dockerfile: 'ARG BASE\nINCLUDE $BASE\n' };
  const { code } = await failureOf({ files, args: { BASE: 'x'.repeat(10_000_000) } });
  expect(code).toBe('E_VAR_UNDEFINED');
});

test('a hint names no more variables than can be read', async () => {
  const lines = Array.from({ length: 500 }, (_, index) => `ARG A${index}=1\n`);
  const { hint } = await failureOf({ files: { Dockerfile: `${lines.join('')}INCLUDE $X\n` } });
  expect(hint).toContain('A19 and 480 more.');
});

test('an input goes before an ARG, a build arg and a variable', async () => {
  const files: Files = {
    Dockerfile: 'INCLUDE b BASE=input\nINCLUDE b\n',
    b: '# ekiden: input BASE=standard\nARG BASE=1\nINCLUDE x-$BASE\n',
    'x-input': 'RUN input\n',
    'x-standard': 'RUN standard\n',
  };
  const { included } = await expandFiles({ files, ...given });
  expect(included.map(({ file }) => file)).toEqual(['b', 'x-input', 'b', 'x-standard']);
});

test('a value is given on to the fragment, byte by byte', async () => {
  const files: Files = {
    Dockerfile: Buffer.from('ARG A=\xff\nINCLUDE b X="$A $EKIDEN_REF"\n', 'latin1'),
    b: '# ekiden: input X\nRUN $[[X]]\n',
  };
  const { bytes } = await expandFiles({ files, ...given });
  expect(bytes.toString('latin1')).toContain('\nRUN \xff main\n');
});

const noName = 'There are none here.';

test.each<[name: string, files: Files, place: string, hint: string]>([
  ['nothing of that name', { Dockerfile: 'INCLUDE $A\n' }, 'Dockerfile:1:9', noName],
  ['an ARG below', { Dockerfile: 'INCLUDE $A\nARG A=1\n' }, 'Dockerfile:1:9', noName],
  ['ENV', { Dockerfile: 'ENV A=1\nINCLUDE x/$A\n' }, 'Dockerfile:2:11', 'ENV never'],
  [
    'an ARG without a value',
    { Dockerfile: 'ARG A\nINCLUDE a B="x${A}"\n' },
    'Dockerfile:2:15',
    'The ARG A above has no default',
  ],
  [
    'an ARG of the includer',
    { Dockerfile: 'ARG A=1\nARG B\nINCLUDE b\n', b: 'ARG C=1\nINCLUDE $A\n' },
    'b:2:9',
    'Here are C.',
  ],
  ['the name of a method', { Dockerfile: 'INCLUDE $toString\n' }, 'Dockerfile:1:9', noName],
  [
    'a default that is unknown too',
    { Dockerfile: 'INCLUDE ${A:-$B}\n' },
    'Dockerfile:1:14',
    noName,
  ],
])('E_VAR_UNDEFINED for %s', async (_name, files, place, hint) => {
  const { diagnostic } = await failureOf({ files });
  const { file, line, column } = diagnostic.place;
  expect([diagnostic.code, `${file}:${line}:${column}`]).toEqual(['E_VAR_UNDEFINED', place]);
  expect(diagnostic.hint).toContain(hint);
});

test('tells which variables exist', async () => {
  const files = {
    Dockerfile: '# ekiden: input I=1\nARG A=1 B\nARG BASE\nINCLUDE $X\n',
  };
  const { hint } = await failureOf({ files, ...given });
  expect(hint).toMatch(/Here are I, A, BASE, EKIDEN_SHA, EKIDEN_REF\./);
});

test.each([
  '${A',
  '${}',
  '${1}',
  '${A:+x}',
  '${A+x}',
  '${A:x}',
  '${A-x',
  '"${A:-x"',
  '${A:-"x}',
  `${'${A:-'.repeat(40)}${'}'.repeat(40)}`,
])('E_SYNTAX for %s', async (word) => {
  const { code, hint } = await failureOf({ files: { Dockerfile: `INCLUDE ${word}\n` } });
  expect(code).toBe('E_SYNTAX');
  expect(hint).toMatch(/^(INCLUDE reads \$X|Write INCLUDE)/);
});
