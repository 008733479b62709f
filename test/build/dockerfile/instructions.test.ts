/** Instruction boundaries, checked against what BuildKit's parser finds. */
import { expect, test } from 'vitest';
import { parseDockerfile, splitInstructions } from '../../../src/build/dockerfile/instructions.ts';

/** Instructions as `KEYWORD first-last`. */
function split(source: string | Buffer): string[] {
  return splitInstructions(Buffer.from(source)).map(
    ({ keyword, startLine, endLine }) => `${keyword} ${startLine}-${endLine}`,
  );
}

test.each<[name: string, source: string, want: string[]]>([
  ['nothing', '', []],
  ['only blanks and comments', '\n  \n# a\n\t# b', []],
  ['one line without an end', 'FROM a', ['FROM 1-1']],
  ['lower case and leading blanks', ' \tfrom a\n', ['FROM 1-1']],
  [
    'unknown words',
    'FROM a\nINCLUDEX b\nINCLUDE+ c\n',
    ['FROM 1-1', 'INCLUDEX 2-2', 'INCLUDE+ 3-3'],
  ],
  ['vertical tab and form feed separate', 'RUN\va\nRUN\fb\n', ['RUN 1-1', 'RUN 2-2']],
  ['a byte order mark', '\ufeffFROM a\nRUN b\n', ['FROM 1-1', 'RUN 2-2']],
  ['Unicode blanks before the keyword', '\u00a0FROM a\n\u2003RUN b\n', ['FROM 1-1', 'RUN 2-2']],
  ['a zero-width space is no blank', '\ufeffFROM a\n\ufeffRUN b\n', ['FROM 1-1', '\ufeffRUN 2-2']],
  ['a Unicode blank does not end the keyword', 'RUN\u00a0a\n', ['RUN\u00a0A 1-1']],
  ['a Unicode blank at the end is trimmed', 'INCLUDE\u00a0\n', ['INCLUDE 1-1']],
  ['letters that only look like a keyword', 'ınclude a\n', ['ıNCLUDE 1-1']],
  ['CRLF', 'FROM a\r\nRUN b \\\r\n c\r\n\r\nCMD d', ['FROM 1-1', 'RUN 2-3', 'CMD 5-5']],
  ['CR alone does not end a line', 'FROM a\rRUN b\n', ['FROM 1-1']],
  ['several CRs at the end', 'RUN a \\\r\r\n b\nCMD c', ['RUN 1-2', 'CMD 3-3']],
  ['a continuation', 'RUN a \\\n b\nCMD c\n', ['RUN 1-2', 'CMD 3-3']],
  ['blanks and tabs behind the escape', 'RUN a \\ \t\n b\nCMD c\n', ['RUN 1-2', 'CMD 3-3']],
  ['a Unicode blank behind the escape', 'RUN a \\\u00a0\nCMD c\n', ['RUN 1-1', 'CMD 2-2']],
  ['two escapes do not continue', 'RUN a \\\\\nCMD c\n', ['RUN 1-1', 'CMD 2-2']],
  ['three escapes do not either', 'RUN a \\\\\\\nCMD c\n', ['RUN 1-1', 'CMD 2-2']],
  ['a blank between two escapes continues', 'RUN a \\ \\\nCMD c\n', ['RUN 1-2']],
  ['blank lines within', 'RUN a \\\n\n  \n b\nCMD c\n', ['RUN 1-4', 'CMD 5-5']],
  ['comments within', 'RUN a \\\n# x \\\n  # y\n b\nCMD c\n', ['RUN 1-4', 'CMD 5-5']],
  ['a comment does not go on', '# a \\\nRUN b\n', ['RUN 2-2']],
  ['a lone escape joins the next line', '\\\nRUN a\nCMD b\n', ['RUN 1-2', 'CMD 3-3']],
  ['a keyword in two parts', 'R\\\nUN a\nCMD b\n', ['RUN 1-2', 'CMD 3-3']],
  ['a keyword in two parts with a blank behind the escape', 'R\\ \nUN a\n', ['RUN 1-2']],
  ['an open end takes the comments below it', 'FROM a\nRUN b \\\n# c\n\n', ['FROM 1-1', 'RUN 2-4']],
  [
    'escape directive',
    '# escape=`\nRUN a `\n b\nRUN c \\\nCMD d\n',
    ['RUN 2-3', 'RUN 4-4', 'CMD 5-5'],
  ],
  ['escape directive, oddly written', '#EsCaPe  = ` \nRUN a `\n b\n', ['RUN 2-3']],
  ['escape below syntax', '# syntax=x\n# escape=`\nRUN a `\n b\n', ['RUN 3-4']],
  [
    'escape below a comment is a comment',
    '# hi\n# escape=`\nRUN a `\nCMD b\n',
    ['RUN 3-3', 'CMD 4-4'],
  ],
  [
    'escape below a blank line is a comment',
    '\n# escape=`\nRUN a `\nCMD b\n',
    ['RUN 3-3', 'CMD 4-4'],
  ],
  ['an unknown directive ends them', '# a=b\n# escape=`\nRUN a `\nCMD b\n', ['RUN 3-3', 'CMD 4-4']],
])('splits %s', (_name, source, want) => {
  expect(split(source)).toEqual(want);
});

test.each<[name: string, source: string, want: string[]]>([
  ['a body', 'RUN <<EOF\nFROM x\nEOF\nCMD a\n', ['RUN 1-3', 'CMD 4-4']],
  ['COPY and ADD', 'COPY <<A /a\nRUN\nA\nADD <<B /b\nB\n', ['COPY 1-3', 'ADD 4-5']],
  [
    'not ENV, USER, HEALTHCHECK',
    'ENV A=<<E\nUSER <<E\nHEALTHCHECK CMD a <<E\n',
    ['ENV 1-1', 'USER 2-2', 'HEALTHCHECK 3-3'],
  ],
  ['under ONBUILD', 'ONBUILD RUN <<EOF\nCMD x\nEOF\nCMD a\n', ['ONBUILD 1-3', 'CMD 4-4']],
  [
    'under ONBUILD behind blanks of Unicode',
    'ONBUILD \u3000RUN \u00a0<<EOF\nCMD x\nEOF\nCMD a\n',
    ['ONBUILD 1-3', 'CMD 4-4'],
  ],
  ['not under two ONBUILDs', 'ONBUILD ONBUILD RUN <<EOF\nCMD x\n', ['ONBUILD 1-1', 'CMD 2-2']],
  ['not under ONBUILD ENV', 'ONBUILD ENV A=<<EOF\nCMD x\n', ['ONBUILD 1-1', 'CMD 2-2']],
  ['two bodies', 'COPY <<X <<Y /d\nY\nX\nX\nY\nCMD a\n', ['COPY 1-5', 'CMD 6-6']],
  ['an escape within a body', 'RUN <<EOF\na \\\nEOF\nCMD b\n', ['RUN 1-3', 'CMD 4-4']],
  [
    'comments and blanks in a body',
    'RUN <<EOF\n# EOF\n\n EOF\nEOF\nCMD a\n',
    ['RUN 1-5', 'CMD 6-6'],
  ],
  ['tabs before the terminator', 'RUN <<-EOF\n\t\tEOF\nCMD a\n', ['RUN 1-2', 'CMD 3-3']],
  ['tabs do not count without the dash', 'RUN <<EOF\n\tEOF\nEOF\nCMD a\n', ['RUN 1-3', 'CMD 4-4']],
  [
    'blanks before the terminator never count',
    'RUN <<-EOF\n EOF\nEOF\nCMD a\n',
    ['RUN 1-3', 'CMD 4-4'],
  ],
  ['CRLF at the terminator', 'RUN <<EOF\r\na\r\nEOF\r\nCMD b\r\n', ['RUN 1-3', 'CMD 4-4']],
  ['a terminator at the end of the file', 'RUN <<EOF\nEOF', ['RUN 1-2']],
  ['below an escape alone', '\\\n  RUN <<EOF\nCMD x\nEOF\n', ['RUN 1-4']],
  ['over a continuation', 'RUN a \\\n <<EOF\nCMD x\nEOF\nCMD b\n', ['RUN 1-4', 'CMD 5-5']],
  [
    'the sign split by a continuation',
    'RUN a <\\\n<EOF\nCMD x\nEOF\nCMD b\n',
    ['RUN 1-4', 'CMD 5-5'],
  ],
  ['not in the JSON form', 'RUN ["a", "<<EOF"]\nCMD x\n', ['RUN 1-1', 'CMD 2-2']],
  [
    'not in the JSON form behind flags',
    'RUN --network=none ["<<EOF"]\nCMD x\n',
    ['RUN 1-1', 'CMD 2-2'],
  ],
  [
    'not in the JSON form between blanks of Unicode',
    'RUN \u00a0["a <<E"]\u0085\nCMD x\n',
    ['RUN 1-1', 'CMD 2-2'],
  ],
  ['in what only looks like JSON', 'RUN [ a <<EOF ]\nCMD x\nEOF\n', ['RUN 1-3']],
  [
    'a backslash escapes also with another escape',
    '# escape=`\nRUN a \\<<EOF\nCMD x\n',
    ['RUN 2-2', 'CMD 3-3'],
  ],
  ['a name that is no ASCII', 'RUN <<é\nCMD x\né\nCMD b\n', ['RUN 1-3', 'CMD 4-4']],
  ['an open body takes the rest', 'RUN <<EOF\nCMD x\n', ['RUN 1-2']],
])('finds heredocs: %s', (_name, source, want) => {
  expect(split(source)).toEqual(want);
});

test('tells byte offsets of whole lines', () => {
  const source = Buffer.from('\ufeff# é\n  FROM a\r\nRUN <<E\nx\nE\n');
  const [from, run] = splitInstructions(source);
  expect(source.subarray(from?.start, from?.end).toString()).toBe('  FROM a\r\n');
  expect(source.subarray(run?.start, run?.end).toString()).toBe('RUN <<E\nx\nE\n');
  expect(source.subarray(run?.start, run?.textEnd).toString()).toBe('RUN <<E\n');
});

test('starts behind a byte order mark', () => {
  expect(splitInstructions(Buffer.from('\ufeffFROM a'))[0]?.start).toBe(3);
});

test.each([
  ['RUN a \\', { kind: 'continuation', line: 1 }],
  ['RUN a \\\n b \\\n# c\n', { kind: 'continuation', line: 2 }],
  ['FROM a\nRUN b \\\n <<EOF\nx\n', { kind: 'heredoc', line: 3, terminator: 'EOF' }],
  ['FROM a\n', undefined],
  ['RUN a \\\n\n b', undefined],
])('tells what %j leaves unfinished', (source, want) => {
  expect(parseDockerfile(Buffer.from(source)).unfinished).toEqual(want);
});

test('takes the inherited escape unless the file has its own', () => {
  const backtick = 0x60;
  expect(parseDockerfile(Buffer.from('RUN a `\n b'), backtick).instructions).toHaveLength(1);
  const own = Buffer.from('# escape=\\\nRUN a `\nRUN b');
  expect(parseDockerfile(own, backtick).instructions).toHaveLength(2);
});

test('counts a last line without an end', () => {
  expect(parseDockerfile(Buffer.from('# escape=`\nFROM a\n\n# x')).lines).toBe(4);
});

test('reads hostile lines in linear time', () => {
  // Each took minutes with a pattern that starts over at every blank or sign.
  const hostile = ['# syntax=a', 'RUN a', 'RUN <<a "'].map(
    (start) => start + ' \u00a0'.repeat(200_000),
  );
  const signs = `RUN ${'<'.repeat(400_000)}`;
  const flags = `RUN ${'--a '.repeat(100_000)}<<EOF`;
  for (const line of [...hostile, signs, flags]) {
    expect(parseDockerfile(Buffer.from(`${line}x\n`)).lines).toBe(1);
  }
});
