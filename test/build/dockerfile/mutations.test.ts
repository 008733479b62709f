/** Files with INCLUDE that were damaged at random: a result, or an error that says where and what to do. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of INCLUDE.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Diagnostic,
  type Expansion,
  IncludeError,
  renderDiagnostic,
} from '../../../src/build/dockerfile/index.ts';
import { expandFiles, type Files } from './repository.ts';

const sound: Record<string, string> = {
  Dockerfile: `# escape=\\
# ekiden: input TEAM="web one" who
ARG BASE=docker/base
FROM a AS x
INCLUDE $BASE VERSION=\${V:-9.0} PORT="80"
INCLUDE --once 'docker/base' PORT=$EKIDEN_PORT \\
# within
  VERSION=1
RUN <<E
INCLUDE not
E
include template:t@1
COPY --from=0 $[[ TEAM ]] /
`,
  'docker/base.dockerfile': `# syntax=x
# ekiden: once
# ekiden: input VERSION=9.0 "quoted"
# ekiden: input PORT
FROM tomcat:$[[ VERSION ]]
ENV P="$[[PORT]]"
RUN <<EOF
echo $[[ PORT ]] \\
EOF
INCLUDE ../leaf-\${VERSION-x} A=$[[ PORT ]]
`,
  'leaf-9.0': '# ekiden: input A=1\nRUN a $[[ A ]]\nINCLUDE /end\n',
  'leaf-1': '\ufeffRUN b\n',
  end: 'CMD ["e"]',
};
const templates: Record<string, string> = {
  't@1.0.0': 'USER 1\n',
  't@2.0.0': 'INCLUDE template:t@1\n',
};
const options = { templates, variables: { EKIDEN_PORT: '8' } };

test('the sound files expand', async () => {
  const files = { ...sound, 'leaf-1': '# ekiden: input A\nRUN b\n' };
  const { bytes } = await expandFiles({ files, ...options });
  expect(bytes.toString()).toContain('RUN a 80\n');
});

const names = Object.keys(sound);
const damage = fc.record({
  name: fc.constantFrom(...names),
  at: fc.nat(),
  length: fc.integer({ min: 0, max: 6 }),
  by: fc.oneof(
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.constantFrom(
      ...['\n', '\\\n', '"', "'", '$', '${', '}', '$[[', ']]', '<<E', '#', '=', ' ', '\0', '\xff'],
      ...['../', 'INCLUDE Dockerfile\n', 'template:', 'project:', '--once ', '# ekiden: input '],
      ...['ONBUILD ', '`', '\x1b[2J', '# ekiden: input PORT\n', ' AS x\n'],
    ),
  ),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(damages: readonly Damage[]): Files {
  const latin1 = (text: string) => Buffer.from(text).toString('latin1');
  const files = new Map(names.map((name) => [name, latin1(sound[name] ?? '')]));
  for (const { name, at, length, by } of damages) {
    const text = files.get(name) ?? '';
    const from = at % (text.length + 1);
    files.set(name, text.slice(0, from) + by + text.slice(from + length));
  }
  return Object.fromEntries([...files].map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
}

/** What a diagnostic lacks; one list, as thousands are looked at. */
function lackOf(diagnostic: Diagnostic, files: Files): string[] {
  const { code, place, hint, excerpt, message, retryable } = diagnostic;
  const shown = `${message}${hint}${excerpt.map(({ text }) => text).join('')}`;
  const source = files[place.file] ?? templates[place.file.replace(/^template:/, '')];
  const line = String(source).split('\n')[place.line - 1];
  const name = `${place.file}:${place.line}:${place.column}`;
  const checks: Record<string, boolean> = {
    code: /^[EWN]_[A-Z0-9_]+$/.test(code),
    hint: typeof hint === 'string',
    retryable: !retryable,
    controls: !/\p{Cc}/u.test(shown),
    // An INCLUDE without a word is marked at its keyword, which can be cut in two.
    place: line !== undefined && place.column + place.width - 2 <= line.length,
    excerpt: excerpt.at(-1)?.line === place.line,
    rendered: renderDiagnostic(diagnostic).includes(name),
  };
  return Object.keys(checks).filter((check) => !checks[check]);
}

test('damaged files give a result or an error that says all', async () => {
  const codes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
      const files = damaged(damages);
      const outcome: Expansion | IncludeError = await expandFiles({ files, ...options }).catch(
        (error) => error,
      );
      if (!(outcome instanceof IncludeError)) expect(outcome.bytes).toBeInstanceOf(Buffer);
      const diagnostics = outcome instanceof IncludeError ? [outcome.diagnostic] : outcome.warnings;
      for (const diagnostic of diagnostics) {
        codes.add(diagnostic.code);
        expect(lackOf(diagnostic, files), renderDiagnostic(diagnostic)).toEqual([]);
      }
    }),
    { numRuns: 1_000 },
  );
  // The damage must reach many places, else nothing is shown.
  expect(codes.size).toBeGreaterThan(10);
});
