/** What holds for any values of inputs: a split file comes out whole, and no value moves an instruction. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Expansion, IncludeError } from '../../../src/build/dockerfile/index.ts';
import { parseDockerfile } from '../../../src/build/dockerfile/instructions.ts';
import { expandFiles } from './repository.ts';
import { anyCuts, anyDockerfile, boundariesOf, cut } from './samples.ts';

const declaration = '# ekiden: input V\n';

/** A value as a word of INCLUDE; all of it latin1. */
function quote(value: string): string {
  return `"${value.replace(/["\\$]/g, '\\$&')}"`;
}

/** Puts a stretch of a part into its INCLUDE line; answers what the part then is without its declaration. */
function takeOut(files: Map<string, Buffer>, at: number, length: number): Buffer | undefined {
  const part = files.get('part-1')?.toString('latin1');
  const [includer, bytes] =
    [...files].find(([, content]) => content.includes('INCLUDE part-1')) ?? [];
  if (part === undefined || !includer || !bytes) return undefined;
  const from = at % Math.max(1, part.length);
  const value = /^[^\r\n\0]*/.exec(part.slice(from, from + length))?.[0] ?? '';
  const hollow = `${part.slice(0, from)}$[[ V ]]${part.slice(from + value.length)}`;
  files.set('part-1', Buffer.from(declaration + hollow, 'latin1'));
  const asked = `INCLUDE part-1 V=${quote(value)}`;
  const line = bytes.toString('latin1').replace('INCLUDE part-1', () => asked);
  files.set(includer, Buffer.from(line, 'latin1'));
  return Buffer.from(hollow, 'latin1');
}

test('a file that is cut, with a piece of it in an input, expands to itself', async () => {
  const length = fc.integer({ min: 0, max: 12 });
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(anyDockerfile, anyCuts, fc.nat(), length, async (bytes, places, at, count) => {
      const { escape: byte, unfinished } = parseDockerfile(bytes);
      fc.pre(unfinished === undefined);
      const files = new Map([['Dockerfile', bytes]]);
      for (const place of places) cut(files, place);
      const part = files.get('part-1');
      const hollow = takeOut(files, at, count);
      fc.pre(part !== undefined && hollow !== undefined);
      const outcome = await expandFiles({ files: Object.fromEntries(files) }).catch(
        (error) => error,
      );
      const isSame = String(boundariesOf(part, byte)) === String(boundariesOf(hollow, byte));
      if (isSame && !(outcome instanceof IncludeError)) {
        whole++;
        const text = outcome.bytes.toString('latin1').replace(declaration, '');
        expect(text).toBe(bytes.toString('latin1'));
      } else
        expect(outcome).toMatchObject({
          code: expect.stringMatching(isSame ? /^E_PARAM_VALUE$/ : /^E_/),
        });
    }),
    { numRuns: 400 },
  );
  expect(whole).toBeGreaterThan(40);
});

const piece = fc.constantFrom(
  ...[
    '$[[ A ]]',
    '$[[B]]',
    '\n',
    '\n',
    ' ',
    'RUN ',
    'COPY a b',
    '<<E',
    '\nE\n',
    '"',
    "'",
    '\\',
    '\\\n',
  ],
  ...['# ', 'CMD ["', '"]', 'a', '\r\n', '`'],
);
const value = fc
  .array(
    fc.constantFrom(
      'a',
      ' ',
      '<<E',
      'E',
      '"',
      "'",
      '\\',
      '#',
      'RUN ',
      '$',
      '{',
      '[',
      ']',
      '\xa0',
      '`',
    ),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(''));

test('no value moves an instruction', async () => {
  let filled = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 16 }), value, value, async (pieces, a, b) => {
      const body = `USER 1\n${pieces.join('')}`;
      const part = Buffer.from(`# ekiden: input A\n# ekiden: input B\n${body}`, 'latin1');
      const include = `INCLUDE b A=${quote(a)} B=${quote(b)}`;
      const files = { Dockerfile: Buffer.from(include, 'latin1'), b: part };
      const outcome: Expansion | IncludeError = await expandFiles({ files }).catch(
        (error) => error,
      );
      if (outcome instanceof IncludeError) {
        expect(outcome.code).toMatch(/^E_(PARAM_VALUE|UNTERMINATED|INPUT_UNDECLARED|SYNTAX)$/);
        return;
      }
      filled++;
      expect(boundariesOf(outcome.bytes)).toEqual(boundariesOf(part));
      const want = body.replaceAll('$[[ A ]]', () => '\0').replaceAll('$[[B]]', () => b);
      expect(outcome.bytes.toString('latin1')).toContain(want.replaceAll('\0', () => a));
    }),
    { numRuns: 600 },
  );
  expect(filled).toBeGreaterThan(40);
});
