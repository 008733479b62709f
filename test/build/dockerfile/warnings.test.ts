/** Warnings and notes: each with its place, and nothing where all is well. */
import { expect, test } from 'vitest';
import { expandFiles, type Files, type Setting } from './repository.ts';

const templates = { 'node@9.9.0': 'FROM node:9.9\n', 'node@9.10.1': 'FROM node:9.10\n' };
const frontend = '# syntax=devthefuture/dockerfile-x\nINCLUDE b\n';

async function warningsOf(setting: Setting): Promise<string[]> {
  const { warnings } = await expandFiles({ templates, ...setting });
  for (const { hint, excerpt, retryable } of warnings) {
    expect([hint?.endsWith('.'), excerpt.length > 0, retryable]).toEqual([true, true, false]);
  }
  return warnings.map(({ code, place }) => `${code} ${place.file}:${place.line}:${place.column}`);
}

test.each<[name: string, files: Files, want: string[]]>([
  ['no version', { Dockerfile: 'INCLUDE template:node\n' }, ['W_UNPINNED Dockerfile:1:9']],
  [
    'a directive',
    { Dockerfile: 'INCLUDE b\nINCLUDE b\n', b: '# syntax=x\n' },
    ['W_SYNTAX_IGNORED b:1:1'],
  ],
  [
    'a directive, once for all values',
    { Dockerfile: 'INCLUDE b V=1\nINCLUDE b V=2\n', b: '# syntax=x\n# ekiden: input V\n' },
    ['W_SYNTAX_IGNORED b:1:1'],
  ],
  ['the same directive', { Dockerfile: '# syntax=x\nINCLUDE b\n', b: '# syntax=x\nRUN b\n' }, []],
  [
    'FROM by number',
    { Dockerfile: 'INCLUDE template:node@9\nFROM 0\n' },
    ['W_NUMERIC_STAGE Dockerfile:2:1'],
  ],
  [
    'COPY by number',
    { Dockerfile: 'INCLUDE template:node@9\nCOPY --chown=1 --from=0 a b\n' },
    ['W_NUMERIC_STAGE Dockerfile:2:1'],
  ],
  [
    'a number above all fragments',
    { Dockerfile: 'FROM a\nCOPY --from=0 a b\nINCLUDE b\n', b: 'USER 1\n' },
    [],
  ],
  [
    'a stage of a fragment',
    { Dockerfile: 'FROM a\nINCLUDE template:node@9\n' },
    ['N_NEW_STAGE template:node@9.10.1:1:1'],
  ],
  ['another frontend', { Dockerfile: frontend }, ['N_OTHER_FRONTEND Dockerfile:1:1']],
  ['one below #!', { Dockerfile: `#!/x\n${frontend}` }, ['N_OTHER_FRONTEND Dockerfile:2:1']],
  ['another frontend without an INCLUDE', { Dockerfile: frontend.replace('INC', '# INC') }, []],
])('%s', async (_name, files, want) => {
  expect(await warningsOf({ files })).toEqual(want);
});

test('leaves the lines to a frontend with an INCLUDE of its own', async () => {
  const { bytes } = await expandFiles({ files: { Dockerfile: frontend } });
  expect(bytes.toString()).toBe(frontend);
});

test('takes other names of such frontends, and none', async () => {
  const files = { Dockerfile: '# syntax=Team/Own:1\nINCLUDE b\n', b: 'RUN b\n' };
  const own = await expandFiles({ files, otherFrontends: ['x', 'team/own'] });
  expect(own.bytes.toString()).toBe(files.Dockerfile);
  const none = await expandFiles({ files: { ...files, Dockerfile: frontend }, otherFrontends: [] });
  expect(none.bytes.toString()).toContain('RUN b\n');
});

const heredoc = 'FROM a\nRUN a \\\n  <<EOF\nx\nEOF\n';

test.each<[name: string, files: Files, want: string[]]>([
  ['no INCLUDE', { Dockerfile: heredoc }, ['W_HEREDOC_20_10 Dockerfile:3:3']],
  ['a fragment', { Dockerfile: 'INCLUDE b\n', b: heredoc }, ['W_HEREDOC_20_10 b:3:3']],
  ['several', { Dockerfile: heredoc + heredoc }, ['W_HEREDOC_20_10 Dockerfile:3:3']],
  ['one without an end', { Dockerfile: 'RUN <<E\n' }, []],
  ['one under ONBUILD', { Dockerfile: 'ONBUILD RUN <<E\nE' }, ['W_HEREDOC_20_10 Dockerfile:1:13']],
  ['a # syntax=', { Dockerfile: `# syntax=docker/dockerfile:1.4\n${heredoc}` }, []],
  ['shifts and quotes', { Dockerfile: 'RUN b "c <<d"\nd\nRUN a $((1 << 2))\n' }, []],
  ['none', { Dockerfile: 'FROM a\n' }, []],
])('a Docker without heredocs: %s', async (_name, files, want) => {
  expect(await warningsOf({ files, heredocs: false })).toEqual(want);
  expect(await warningsOf({ files })).toEqual([]);
});
