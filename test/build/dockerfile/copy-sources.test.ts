/** Files that fragments copy and the context does not have. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Docker.
import { expect, test } from 'vitest';
import { missingCopySources, renderDiagnostic } from '../../../src/build/dockerfile/index.ts';
import { expandFiles, type Files } from './repository.ts';

const context = new Set(['app.js', 'dist', 'dist/main.js', 'a b', 'é']);

async function missingOf(files: Files) {
  return missingCopySources(await expandFiles({ files }), (path) => context.has(path));
}

test.each<[name: string, line: string, want: string[]]>([
  ['what is there', 'COPY app.js dist /x/', []],
  ['a missing file', 'COPY app.jsx /x/', ['app.jsx']],
  ['one of several', 'COPY app.js ./gone.js dist/ /x/', ['gone.js']],
  ['ADD', 'ADD gone.tar /x/', ['gone.tar']],
  ['flags', 'COPY --chown=1:1 --link gone /x/', ['gone']],
  ['a way up, which Docker stops at the root', 'COPY ../app.js /../gone /x/', ['gone']],
  ['a slash before it', 'COPY /dist/main.js /x/', []],
  ['the context itself', 'COPY . / ./ /x/', []],
  ['the JSON form', 'COPY ["app.js", "gone one", "a b", "/x/"]', ['gone one']],
  ['what only looks like JSON', 'COPY [gone x', []],
  ['a continuation', 'COPY app.js \\\n# c\n  gone /x/', ['gone']],
  ['UTF-8', 'COPY é ü /x/', ['ü']],
  ['a letter whose last byte is a blank of Unicode', 'COPY voilà /x/', ['voilà']],
  ['another stage', 'COPY --from=0 gone /x/', []],
  ['wildcards', 'COPY go*e gon? [g]one /x/', []],
  ['variables', 'COPY $A ${B}/c /x/', []],
  ['quotes and escapes', 'COPY "gone" g\\one /x/', []],
  ['addresses', 'ADD https://x.test/y git@x.test:y /x/', []],
  ['heredocs', 'COPY <<E /x\nE', []],
  ['ONBUILD', 'ONBUILD COPY gone /x/', []],
  ['one word only', 'COPY gone', []],
])('%s', async (_name, line, want) => {
  const missing = await missingOf({ Dockerfile: 'INCLUDE b\n', b: `FROM x\n${line}\n` });
  expect(missing.map(({ message }) => message)).toEqual(
    want.map((path) => `${path} is not in the build context`),
  );
});

test('shows the line of the fragment and the way to it', async () => {
  const files = { Dockerfile: '# x\nINCLUDE b\n', b: 'FROM x\nCOPY app.js \\\n  gone.js /x/\n' };
  const [warning] = await missingOf(files);
  expect(warning && renderDiagnostic(warning)).toBe(
    [
      'warning W_COPY_SOURCE: gone.js is not in the build context',
      ' --> b:3:3',
      '2 | COPY app.js \\',
      '3 |   gone.js /x/',
      '  |   ^^^^^^^',
      '  included from Dockerfile:2',
      '  hint: COPY in a fragment reads from the context of the build that includes it (build.context, less what .dockerignore leaves out).',
    ].join('\n'),
  );
});

test('leaves the lines of the Dockerfile to Docker', async () => {
  expect(await missingOf({ Dockerfile: 'FROM x\nCOPY gone /x/\n' })).toEqual([]);
  expect(
    await missingOf({ Dockerfile: 'FROM x\nCOPY gone /x/\nINCLUDE b\n', b: 'USER 1\n' }),
  ).toEqual([]);
});
