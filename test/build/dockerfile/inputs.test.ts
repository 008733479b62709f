/** Inputs of fragments: how they are declared, given and put in. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of INCLUDE.
import { expect, test } from 'vitest';
import { originOf } from '../../../src/build/dockerfile/index.ts';
import { expandFiles, type Files, failureOf } from './repository.ts';

/** A Dockerfile and the fragment `b`. */
function of(Dockerfile: string, b: string): Files {
  return { Dockerfile, b };
}

/** The fragment `b` with what the INCLUDE gives, without its declarations. */
async function filled(inputs: string, b: string): Promise<string> {
  const { bytes } = await expandFiles({ files: of(`INCLUDE b ${inputs}\n`, b) });
  return bytes.toString().replace(/^# ekiden:.*\n/gm, '');
}

const tomcat =
  '# ekiden: input VERSION=9.0 Tomcat version\n# ekiden: input PORT port to listen on\n';

test.each<[name: string, inputs: string, b: string, want: string]>([
  ['a value and a default', 'PORT=80', `${tomcat}RUN $[[ VERSION ]] $[[PORT]]\n`, 'RUN 9.0 80\n'],
  ['a value for a default', 'VERSION=10 PORT=1', `${tomcat}RUN $[[ VERSION ]]\n`, 'RUN 10\n'],
  ['an empty value', 'PORT=', `${tomcat}RUN a$[[ PORT ]]b\n`, 'RUN ab\n'],
  ['blanks of all kinds', 'PORT=1', `${tomcat}RUN $[[\tPORT  ]]$[[PORT ]]\n`, 'RUN 11\n'],
  ['in quotes', `PORT="a 'b"`, `${tomcat}RUN $[[PORT]]\n`, "RUN a 'b\n"],
  ['in JSON', 'PORT=8', `${tomcat}CMD ["a", "$[[ PORT ]]"]\n`, 'CMD ["a", "8"]\n'],
  ['in FROM', 'PORT=8', `${tomcat}FROM x:$[[ VERSION ]]\n`, 'FROM x:9.0\n'],
  [
    'in a heredoc',
    'PORT=8',
    `${tomcat}RUN <<E\necho $[[ PORT ]]\nE\nUSER 1\n`,
    'RUN <<E\necho 8\nE\nUSER 1\n',
  ],
  ['in a comment', 'PORT=8', `${tomcat}# on $[[ PORT ]]\n`, '# on 8\n'],
  ['in a continuation', 'PORT=8', `${tomcat}RUN a \\\n  $[[ PORT ]]\n`, 'RUN a \\\n  8\n'],
  ['a tab', 'PORT="a\tb"', `${tomcat}RUN $[[ PORT ]]\n`, 'RUN a\tb\n'],
  [
    'no value is read again',
    "PORT='$[[VERSION]]'",
    `${tomcat}RUN $[[ PORT ]]\n`,
    'RUN $[[VERSION]]\n',
  ],
  ['a variable in a value', 'PORT=${A:-1}', `${tomcat}RUN $[[ PORT ]]\n`, 'RUN 1\n'],
  ['UTF-8', 'PORT=é', `${tomcat}RUN ü$[[ PORT ]]ü\n`, 'RUN üéü\n'],
  ['CRLF', 'P=1', '# ekiden: input P\r\nRUN $[[ P ]]\r\n', '# ekiden: input P\r\nRUN 1\r\n'],
  ['a default in quotes', '', '# ekiden: input P="a b" x\nRUN $[[ P ]]\n', 'RUN a b\n'],
  ['a default that ends in à', '', '# ekiden: input P=à\nRUN $[[ P ]]\n', 'RUN à\n'],
  ['an empty default', '', '# ekiden: input P= x\nRUN a$[[ P ]]\n', 'RUN a\n'],
  ['a default with a variable', '', '# ekiden: input P=$HOME/a\nRUN $[[ P ]]\n', 'RUN $HOME/a\n'],
  [
    'a declaration below other comments and blank lines',
    '',
    '# syntax=x\n# about\n\n  #ekiden:input P=1\nRUN $[[ P ]]\n',
    '# about\n\n  #ekiden:input P=1\nRUN 1\n',
  ],
  ['no declaration, no inputs', '', 'RUN $[[ P ]] $[[\n', 'RUN $[[ P ]] $[[\n'],
  [
    'a declaration below an instruction is a comment',
    '',
    'RUN $[[ P ]]\n# ekiden: input P=1\n',
    'RUN $[[ P ]]\n',
  ],
])('puts in %s', async (_name, inputs, b, want) => {
  expect(await filled(inputs, b)).toBe(want);
});

test('what a fragment includes depends on its inputs', async () => {
  const files: Files = {
    Dockerfile: 'INCLUDE b V=1\nINCLUDE b V=2\nINCLUDE b V=1\n',
    b: '# ekiden: input V\nINCLUDE "c-$[[ V ]]"\nINCLUDE d V=x$V\n',
    'c-1': 'RUN one\n',
    'c-2': 'RUN two\n',
    d: '# ekiden: input V\nRUN $[[ V ]]\n',
  };
  const { bytes, included } = await expandFiles({ files });
  const lines = bytes.toString().split('\n');
  expect(lines.filter((line) => line.startsWith('RUN'))).toEqual([
    ...['RUN one', 'RUN x1', 'RUN two', 'RUN x2', 'RUN one', 'RUN x1'],
  ]);
  expect(included.map(({ file }) => file).join(' ')).toBe('b c-1 d b c-2 d b c-1 d');
});

test.each<[name: string, source: string, want: string]>([
  ['defaults', '# ekiden: input V=1\nFROM a:$[[ V ]]\n', 'FROM a:1\n'],
  [
    'a default in an INCLUDE',
    '# ekiden: input V=b\nINCLUDE $V\nINCLUDE $[[ V ]]\n',
    'RUN b\nRUN b\n',
  ],
])('a Dockerfile may declare inputs: %s', async (_name, Dockerfile, want) => {
  const { bytes } = await expandFiles({ files: { Dockerfile, b: 'RUN b\n' } });
  expect(bytes.toString().replace(/^#.*\n/, '')).toBe(want);
});

test('a Dockerfile that uses none of its inputs is the same buffer', async () => {
  const bytes = Buffer.from('# ekiden: input V=1\nFROM a\n');
  const expansion = await expandFiles({ files: { Dockerfile: bytes } });
  expect(expansion.bytes.equals(bytes)).toBe(true);
  expect(expansion.map).toEqual([{ file: 'Dockerfile', line: 1, count: 2, via: [] }]);
});

test.each<[name: string, files: Files, want: string]>([
  ['the same values', of('INCLUDE --once b V=1\nINCLUDE --once b V=1\n', 'x'), '1'],
  ['other values', of('INCLUDE --once b V=1\nINCLUDE --once b V=2\n', 'x'), '12'],
  ['a value that is the default', of('INCLUDE --once b\nINCLUDE --once b V=0\n', 'x'), '0'],
  ['another stage', of('INCLUDE --once b V=1\nFROM a\nINCLUDE --once b V=1\n', 'x'), '11'],
  ['only one of them', of('INCLUDE --once b V=1\nINCLUDE b V=1\n', 'x'), '11'],
])('--once counts the file and its values: %s', async (_name, files, want) => {
  const b = '# ekiden: input V=0\nRUN $[[ V ]]\n';
  const { bytes } = await expandFiles({ files: { ...files, b } });
  expect([...bytes.toString().matchAll(/^RUN (.)/gm)].map(([, value]) => value).join('')).toBe(
    want,
  );
});

test('once holds for a fragment that starts a stage, within that stage', async () => {
  const b = '# ekiden: once\nFROM b\nRUN b\n';
  const files = of('INCLUDE b\nINCLUDE b\nFROM c\nINCLUDE b\n', b);
  expect((await expandFiles({ files })).bytes.toString()).toBe(`${b}FROM c\n${b}`);
});

test('the map stays true to the line, and places to the text as it was written', async () => {
  const files: Files = {
    Dockerfile: 'FROM a\nINCLUDE b LONG=0123456789\nCMD x\n',
    b: '# ekiden: input LONG\nRUN $[[ LONG ]] \\\n  $[[ LONG ]]\n\n  INCLUDE "$[[ LONG ]]"  $[[ LONG ]]\n',
  };
  const { diagnostic } = await failureOf({ files });
  expect(diagnostic).toMatchObject({
    code: 'E_SYNTAX',
    place: { file: 'b', line: 5, column: 26, width: 11 },
    via: [{ file: 'Dockerfile', line: 2 }],
    excerpt: [
      { line: 4, text: '' },
      { line: 5, text: '  INCLUDE "$[[ LONG ]]"  $[[ LONG ]]' },
    ],
  });
  const b = `${String(files['b']).split('INCLUDE')[0]?.trimEnd()}\nUSER 1\n`;
  const { bytes, map, written } = await expandFiles({ files: { ...files, b } });
  expect(written).toEqual([
    { line: 3, text: 'RUN $[[ LONG ]] \\' },
    { line: 4, text: '  $[[ LONG ]]' },
  ]);
  const lines = bytes.toString().split('\n');
  const at = (text: string) => originOf(map, lines.indexOf(text) + 1);
  expect(at('  0123456789')).toMatchObject({ file: 'b', line: 3 });
  expect(at('USER 1')).toMatchObject({ file: 'b', line: 4 });
  expect(at('CMD x')).toMatchObject({ file: 'Dockerfile', line: 3 });
});
