/** Every way in which inputs can be wrong, with its place and hint. */
import { expect, test } from 'vitest';
import { type Files, failureOf } from './repository.ts';

/** A Dockerfile and the fragment `b`. */
function of(Dockerfile: string, b: string): Files {
  return { Dockerfile, b };
}

const tomcat =
  '# ekiden: input VERSION=9.0 Tomcat version\n# ekiden: input PORT port to listen on\n';
const shown = 'b declares: # ekiden: input VERSION=9.0 Tomcat version | # ekiden: input PORT';

test.each<[code: string, name: string, files: Files, place: string, hint: string]>([
  [
    'E_PARAM_UNKNOWN',
    'a misspelt input',
    of('INCLUDE b PORT=1 VERSIN=9', tomcat),
    'Dockerfile:1:18',
    shown,
  ],
  [
    'E_PARAM_UNKNOWN',
    'a file without inputs',
    of('INCLUDE b A=1', ''),
    'Dockerfile:1:11',
    'no inputs',
  ],
  ['E_PARAM_MISSING', 'no value', of('FROM x\nINCLUDE b', tomcat), 'Dockerfile:2:9', shown],
  [
    'E_PARAM_MISSING',
    'the Dockerfile itself',
    of('# x\n# ekiden: input A\n', ''),
    'Dockerfile:2:1',
    'Give A=VALUE',
  ],
  [
    'E_PARAM_VALUE',
    'a line feed',
    of('ARG A\nINCLUDE b PORT=$A', tomcat),
    'Dockerfile:2:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a carriage return',
    of('INCLUDE b PORT="a\rb"', tomcat),
    'Dockerfile:1:11',
    shown,
  ],
  ['E_PARAM_VALUE', 'a NUL byte', of('INCLUDE b PORT=a\0b', tomcat), 'Dockerfile:1:11', shown],
  [
    'E_PARAM_VALUE',
    'the escape at the end',
    of("INCLUDE b PORT='a\\'", tomcat),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a backtick at the end',
    of("# escape=`\nINCLUDE b PORT='a`'", tomcat),
    'Dockerfile:2:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a default with the escape',
    of('INCLUDE b', "# ekiden: input A='x\\'\n"),
    'b:1:1',
    'NAME=VALUE',
  ],
  [
    'E_PARAM_VALUE',
    'a heredoc that opens',
    of('INCLUDE b PORT="<<E"', `${tomcat}RUN $[[ PORT ]]\nE\n`),
    'Dockerfile:1:11',
    'A value stays within its instruction.',
  ],
  [
    'E_PARAM_VALUE',
    'a heredoc that ends',
    of('INCLUDE b PORT=E', `${tomcat}RUN <<E\n$[[ PORT ]]\nE\nUSER 1\n`),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a quote that hides a heredoc',
    of(`INCLUDE b PORT='"'`, `${tomcat}RUN $[[ PORT ]] <<E\na\nE\n`),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a keyword',
    of('INCLUDE b PORT=RUN', `${tomcat}$[[ PORT ]] x\n`),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a comment',
    of('INCLUDE b PORT="#"', `${tomcat}$[[ PORT ]]RUN x\n`),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'nothing',
    of('INCLUDE b PORT=', `${tomcat}$[[ PORT ]]\n`),
    'Dockerfile:1:11',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'the one of two that does it',
    of('INCLUDE b VERSION=1 PORT="<<E"', `${tomcat}RUN $[[ VERSION ]] $[[ PORT ]]\n`),
    'Dockerfile:1:21',
    shown,
  ],
  [
    'E_PARAM_VALUE',
    'a default that moves',
    of('INCLUDE b', '# ekiden: input A=<<E\nRUN $[[ A ]]\nE\n'),
    'b:1:1',
    'A value stays',
  ],
  [
    'E_INPUT_UNDECLARED',
    'an unknown name',
    of('INCLUDE b PORT=1', `${tomcat}RUN a $[[ PROT ]]\n`),
    'b:3:7',
    shown,
  ],
  [
    'E_INPUT_UNDECLARED',
    'no name',
    of('INCLUDE b PORT=1', `${tomcat}RUN $[[ a b ]]\n`),
    'b:3:5',
    shown,
  ],
  [
    'E_SYNTAX',
    'an open use',
    of('INCLUDE b PORT=1', `${tomcat}RUN $[[ PORT ]\n]]\n`),
    'b:3:5',
    '$[[ NAME ]]',
  ],
  [
    'E_INPUT_DUPLICATE',
    'two declarations',
    of('INCLUDE b', `${tomcat}#ekiden: input PORT=1\n`),
    'b:3:1',
    'Line 2',
  ],
  [
    'E_INPUT_DUPLICATE',
    'two values',
    of('INCLUDE b PORT=1 PORT=2', tomcat),
    'Dockerfile:1:18',
    shown,
  ],
  [
    'E_SYNTAX',
    'no name in a declaration',
    of('INCLUDE b', '# ekiden: input 9=x\n'),
    'b:1:1',
    'NAME=VALUE',
  ],
  [
    'E_SYNTAX',
    'an open quote in a declaration',
    of('INCLUDE b', '# ekiden: input A="x\n'),
    'b:1:1',
    'NAME=VALUE',
  ],
  [
    'E_SYNTAX',
    'a name that is none',
    of('INCLUDE b A-B=1', tomcat),
    'Dockerfile:1:11',
    'INCLUDE [--once]',
  ],
  [
    'E_SYNTAX',
    'a name by a variable',
    of('ARG A=B=1\nINCLUDE b $A', tomcat),
    'Dockerfile:2:11',
    'INCLUDE [--once]',
  ],
  [
    'E_CYCLE',
    'itself with other values',
    { Dockerfile: 'INCLUDE b V=1', b: '# ekiden: input V\nINCLUDE b V=x$V\n' },
    'b:2:9',
    'Remove',
  ],
  [
    'E_LINE_TOO_LONG',
    'a line that values make too long',
    of(`INCLUDE b A=${'x'.repeat(4000)}`, `# ekiden: input A\nRUN ${'$[[ A ]]'.repeat(17)}\n`),
    'b:2:1',
    'Break the line',
  ],
  [
    'E_TOTAL_SIZE',
    'a file that values make too large',
    of(`INCLUDE b A=${'x'.repeat(4000)}`, `# ekiden: input A\n${'# $[[A]]\n'.repeat(300)}`),
    'b:263:3',
    'EKIDEN_INCLUDE_TOTAL_SIZE',
  ],
])('%s: %s', async (code, _name, files, place, hint) => {
  const { diagnostic } = await failureOf({ files, args: { A: 'x\ny' } });
  const { file, line, column } = diagnostic.place;
  expect([diagnostic.code, `${file}:${line}:${column}`]).toEqual([code, place]);
  expect(diagnostic.hint).toContain(hint);
});

test('holds no more of a fragment with many values than may come out', async () => {
  const value = 'x'.repeat(4_000);
  const asked = Array.from({ length: 90 }, (_, index) => `INCLUDE b A=${index}${value}\n`).join('');
  const b = `# ekiden: input A\n${'# $[[A]]\n'.repeat(100)}`;
  const { code, diagnostic } = await failureOf({ files: of(asked, b) });
  expect([code, diagnostic.place.line]).toEqual(['E_TOTAL_SIZE', 3]);
});

test('tells how to declare an input that an INCLUDE wants to use', async () => {
  const { hint } = await failureOf({ files: of('INCLUDE b-$[[ V ]]', '') });
  expect(hint).toContain('# ekiden: input NAME=DEFAULT');
});

test('names the input that was meant', async () => {
  const { message } = await failureOf({ files: of('INCLUDE b PROT=1', tomcat) });
  expect(message).toContain('b has no input PROT; did you mean PORT?');
});

test('shows a bounded part of many declarations', async () => {
  const many = Array.from({ length: 2_000 }, (_, index) => `# ekiden: input I${index}=1`);
  const { hint } = await failureOf({ files: of('INCLUDE b X=1', `${many.join('\n')}\n`) });
  expect(hint).toContain('and 1992 more');
  expect(hint?.length).toBeLessThan(1_000);
});
