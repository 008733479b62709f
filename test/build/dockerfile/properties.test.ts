/** What holds for any Dockerfile: identity, split equivalence, and only coded errors for random bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IncludeError, originOf, splitInstructions } from '../../../src/build/dockerfile/index.ts';
import { parseDockerfile } from '../../../src/build/dockerfile/instructions.ts';
import { expandFiles, type Files } from './repository.ts';

const folder = join(import.meta.dirname, '../../fixtures/dockerfiles');
const fixtures = readdirSync(folder).map((name) => readFileSync(join(folder, name)));

const line = fc.constantFrom(
  'RUN a \\',
  '  && b \\ ',
  'ENV A="b c"',
  'COPY . .',
  'RUN <<EOF',
  'COPY <<A <<-B /x',
  'EOF',
  'A',
  '\tB',
  '# a comment \\',
  '',
  '  \t',
  '\\',
  'CMD ["<<EOF"]',
  'RUN a \\\\',
  'ONBUILD RUN <<EOF',
  "RUN echo don't <<EOF",
  '\u2003RUN é',
);
const dockerfile = fc
  .tuple(fc.array(line, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([lines, eol, ends]) => Buffer.from(['FROM a', ...lines].join(eol) + (ends ? eol : '')));
const anyDockerfile = fc.oneof(dockerfile, fc.constantFrom(...fixtures));

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

/** Moves the instructions [from, to) of a file into a new one and leaves an INCLUDE line in their place. */
function cut(files: Map<string, Buffer>, file: string, from: number, to: number): void {
  const [root, bytes] = [files.get('Dockerfile'), files.get(file)];
  if (!root || !bytes) return;
  const { instructions } = parseDockerfile(bytes, parseDockerfile(root).escape);
  const first = instructions[from % Math.max(1, instructions.length)];
  const rest = instructions.filter(({ start }) => first && start >= first.start);
  const last = rest[to % Math.max(1, rest.length)];
  if (!first || !last) return;
  const name = `part-${files.size}`;
  const eol = bytes[last.end - 1] === 0x0a ? '\n' : '';
  files.set(name, bytes.subarray(first.start, last.end));
  const include = Buffer.from(`INCLUDE ${name}${eol}`);
  files.set(
    file,
    Buffer.concat([bytes.subarray(0, first.start), include, bytes.subarray(last.end)]),
  );
}

test('a file that is cut at instruction boundaries, also nested, expands to itself', async () => {
  const cuts = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(anyDockerfile, cuts, async (bytes, places) => {
      fc.pre(parseDockerfile(bytes).unfinished === undefined);
      const files = new Map([['Dockerfile', bytes]]);
      for (const [which, from, to] of places) {
        const names = [...files.keys()];
        cut(files, names[which % names.length] ?? '', from, to);
      }
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

test('a file without INCLUDE comes back byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (random) => {
      const bytes = Buffer.from(random);
      fc.pre(!/include/i.test(bytes.toString('latin1')));
      const expansion = await expandFiles({ files: { Dockerfile: bytes } });
      expect(expansion.bytes.equals(bytes)).toBe(true);
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
