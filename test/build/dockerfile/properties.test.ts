/** What holds for any Dockerfile: identity, split equivalence, and only coded errors for random bytes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expandDockerfile,
  IncludeError,
  originOf,
  splitInstructions,
} from '../../../src/build/dockerfile/index.ts';
import { parseDockerfile } from '../../../src/build/dockerfile/instructions.ts';
import { expandFiles, type Files } from './repository.ts';
import { anyCuts, anyDockerfile, cut } from './samples.ts';

test('instructions cover a file in order and without overlap', () => {
  fc.assert(
    fc.property(anyDockerfile, (bytes) => {
      let end = 0;
      let endLine = 0;
      for (const instruction of splitInstructions(bytes)) {
        expect(instruction.start).toBeGreaterThanOrEqual(end);
        expect(instruction.startLine).toBeGreaterThan(endLine);
        expect(instruction.textEnd).toBeLessThanOrEqual(instruction.end);
        ({ end, endLine } = instruction);
        const above = bytes.subarray(0, instruction.start).toString('latin1').split('\n').length;
        expect(instruction.startLine).toBe(above);
      }
      expect(end).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test('a file that is cut at instruction boundaries, also nested, expands to itself', async () => {
  await fc.assert(
    fc.asyncProperty(anyDockerfile, anyCuts, async (bytes, places) => {
      fc.pre(parseDockerfile(bytes).unfinished === undefined);
      const files = new Map([['Dockerfile', bytes]]);
      for (const place of places) cut(files, place);
      const expansion = await expandFiles({ files: Object.fromEntries(files) });
      expect(expansion.bytes.toString('latin1')).toBe(bytes.toString('latin1'));
      expectTrueMap(expansion.bytes, expansion.map, files);
    }),
  );
});

function expectTrueMap(
  bytes: Buffer,
  map: Parameters<typeof originOf>[0],
  files: Map<string, Buffer>,
) {
  const lines = linesOf(bytes);
  for (const [index, content] of lines.entries()) {
    const origin = originOf(map, index + 1);
    const source = linesOf(files.get(origin?.file ?? '') ?? Buffer.alloc(0));
    expect(source[(origin?.line ?? 0) - 1]).toBe(content);
  }
  expect(originOf(map, lines.length + 1)).toBeUndefined();
}

function linesOf(bytes: Buffer): string[] {
  const lines = bytes.toString('latin1').split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const noTemplates = { versions: async () => undefined, read: async () => Buffer.alloc(0) };
const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
const commented = anyDockerfile.map((bytes) => Buffer.concat([Buffer.from('# include\n'), bytes]));

test('a file without INCLUDE is the very buffer that was read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(noise, anyDockerfile, commented), async (bytes) => {
      fc.pre(!splitInstructions(bytes).some(({ keyword }) => /^(INCLUDE|ONBUILD)$/.test(keyword)));
      const read = async () => bytes;
      const expansion = await expandDockerfile({
        file: 'Dockerfile',
        read,
        templates: noTemplates,
        heredocs: false,
      });
      expect(expansion.bytes).toBe(bytes);
      expect(expansion.map.reduce((sum, { count }) => sum + count, 0)).toBe(linesOf(bytes).length);
    }),
  );
});

test('random bytes give a result or a coded error', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'INCLUDE ',
      'include b',
      '\n',
      ' ',
      '"',
      "'",
      '$',
      '\\',
      '`',
      '# escape=`',
      '<<',
      'RUN ',
      'FROM a AS b',
      'template:t@',
      '--once ',
      '\ufeff',
      '../',
      'ONBUILD ',
    ),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const noise = fc
    .array(piece, { maxLength: 40 })
    .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
  await fc.assert(
    fc.asyncProperty(noise, noise, async (root, fragment) => {
      const files: Files = { Dockerfile: root, b: fragment };
      const outcome = await expandFiles({ files, templates: { 't@1.0.0': 'FROM t\n' } }).catch(
        (error) => error,
      );
      if (outcome instanceof IncludeError) expect(outcome.code).toMatch(/^E_[A-Z_]+$/);
      else expect(outcome).toMatchObject({ bytes: expect.any(Buffer) });
    }),
    { numRuns: 1000 },
  );
});
