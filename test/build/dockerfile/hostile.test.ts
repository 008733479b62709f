/** Files that somebody wrote to keep Ekiden busy: each would take a minute and more if it were read again and again. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of INCLUDE.
import { expect, test } from 'vitest';
import { missingCopySources, namedImages } from '../../../src/build/dockerfile/index.ts';
import { expandFiles, type Files } from './repository.ts';

test.each<[name: string, files: Files, outcome: string]>([
  [
    'carriage returns',
    { Dockerfile: `# include\n${'\r'.repeat(400_000)}\nFROM a\n` },
    'no warnings',
  ],
  [
    'continued words of an INCLUDE',
    { Dockerfile: `INCLUDE b \\\n${'X=1 \\\n'.repeat(100_000)}Y=2\n`, b: '' },
    'E_PARAM_UNKNOWN',
  ],
  [
    'blanks behind <<',
    { Dockerfile: 'INCLUDE b\n', b: `RUN <<${' \\\n'.repeat(80_000)}a<\n` },
    'no warnings',
  ],
  [
    'variables within variables',
    {
      Dockerfile: `INCLUDE b\nRUN <<A ${'${a:-'.repeat(98)}${'x '.repeat(400_000)}${'}'.repeat(98)}`,
      b: '',
    },
    'E_LINE_TOO_LONG',
  ],
  [
    'INCLUDEs of an input',
    { Dockerfile: `# ekiden: input A=x\n${'INCLUDE $[[A]]\n'.repeat(40_000)}`, x: '' },
    'E_COUNT',
  ],
  [
    'a directive that is repeated',
    { Dockerfile: 'INCLUDE b\n', b: '# syntax=a\n'.repeat(23_000) },
    'W_SYNTAX_IGNORED',
  ],
  [
    'a name without end',
    { Dockerfile: `ARG ${'B'.repeat(500_000)}=1\nINCLUDE $${'A'.repeat(500_000)}\n` },
    'E_VAR_UNDEFINED',
  ],
])('%s take no time', async (_name, files, outcome) => {
  const seen = await expandFiles({ files }).then(
    ({ warnings }) => warnings.map(({ code }) => code).join() || 'no warnings',
    ({ code, message, hint }) => (`${message}${hint}`.length < 10_000 ? code : 'too much'),
  );
  expect(seen).toBe(outcome);
});

test.each<[name: string, b: string]>([
  ['stages', 'FROM a\n'.repeat(30_000)],
  ['numbered stages', `FROM a\n${'COPY --from=0 a b\n'.repeat(14_000)}`],
  ['missing files', `COPY ${'a '.repeat(32_000)}/x\n`.repeat(3)],
])('many %s are told of a hundred times', async (_name, b) => {
  const expansion = await expandFiles({ files: { Dockerfile: 'INCLUDE b\n', b } });
  const missing = missingCopySources(expansion, (path) => path === 'b');
  expect(Math.max(expansion.warnings.length, missing.length)).toBe(100);
});

test.each<[name: string, source: string]>([
  ['ARGs that double each other', `ARG A=x\n${'ARG A=$A$A\n'.repeat(60)}FROM $A\n`],
  ['braces that nothing closes', `FROM ${'${a-'.repeat(100_000)}\n`],
])('%s do not fill the memory or the time of who looks for images', (_name, source) => {
  expect(namedImages(Buffer.from(source), {})[0]?.length).toBeLessThan(10_000);
});
