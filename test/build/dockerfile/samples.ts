/** Dockerfiles for properties: random ones of telling lines, and those of the fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseDockerfile } from '../../../src/build/dockerfile/instructions.ts';

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
const random = fc
  .tuple(fc.array(line, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([lines, eol, ends]) => Buffer.from(['FROM a', ...lines].join(eol) + (ends ? eol : '')));

export const anyDockerfile = fc.oneof(random, fc.constantFrom(...fixtures));

/** Three numbers that choose a file and two places in it. */
export const anyCuts = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), {
  minLength: 1,
  maxLength: 6,
});

/** Moves instructions of one of the files into a new one and leaves an INCLUDE line in their place. */
export function cut(
  files: Map<string, Buffer>,
  [which, from, to]: readonly [number, number, number],
): void {
  const names = [...files.keys()];
  const file = names[which % names.length] ?? '';
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

/** Keyword and lines of each instruction, and whether the last one ends. */
export function boundariesOf(bytes: Buffer, inheritedEscape?: number): string[] {
  const { instructions, unfinished } = parseDockerfile(bytes, inheritedEscape);
  const lines = instructions.map(
    ({ keyword, startLine, endLine }) => `${keyword} ${startLine}-${endLine}`,
  );
  return [...lines, unfinished?.kind ?? 'whole'];
}
