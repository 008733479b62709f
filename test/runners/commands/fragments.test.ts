/** What the command line tells of fragments and their users. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild, sampleDeploy } from '../../support/samples.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const redis = useRedis();
const sha256 = 'f'.repeat(64);

async function built({ api }: Terminal, ref: string, source: string) {
  const plan = {
    ...{
      dockerfile: 'Dockerfile',
      context: '',
      args: {},
      secrets: {},
      services: [],
      deploy: sampleDeploy,
      jobs: [],
    },
    ...{ environments: ['production'], warnings: [] },
    fragments: [{ source, file: 'template:node@20.0.0', sha256 }],
  };
  const names = { id: `b-${ref}`, ref: `refs/heads/${ref}`, projectPath: 'shop/front' };
  await api.ekiden.builds.create(sampleBuild({ ...names, project: api.project, plan }));
  await api.ekiden.noteFragments(names.id);
}

test('fragments are listed with their versions and how many use them', async () => {
  const terminal = await openTerminal(redis);
  await built(terminal, 'main', 'template:node@20');
  const { out } = await terminal.run('fragments');
  const lines = out.split('\n').map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['FRAGMENT', 'VERSIONS', 'PROJECTS', 'REFS']);
  expect(lines.find(([name]) => name === 'node')).toEqual([
    ...['node', expect.stringContaining('20.0.0'), '1', '1'],
  ]);
});

test('the users of one are a table, and those whom a version touches', async () => {
  const terminal = await openTerminal(redis);
  const { run, runAs, api } = terminal;
  await built(terminal, 'main', 'template:node@20');
  await built(terminal, 'next', 'template:node@20.0.0');
  const { out } = await run('fragments', 'node');
  expect(out).toMatch(/^20\.0\.0$/m);
  expect(
    out
      .slice(out.indexOf('PROJECT'))
      .replace(/ {2,}/g, ' | ')
      .replace(/\d+ s ago/g, 'now')
      .split('\n'),
  ).toEqual([
    'PROJECT | REF | ENVIRONMENTS | WRITTEN | TOOK | BUILD | WHEN',
    'shop/front | next | production | template:node@20.0.0 | 20.0.0 | b-next | now',
    'shop/front | main | production | template:node@20 | 20.0.0 | b-main | now',
    '',
  ]);
  const touched = (await run('fragments', 'node', '--moves-to', '20.99.0')).out;
  expect(touched).toContain('b-main');
  expect(touched).not.toContain('b-next');
  const none = await run('fragments', 'node', '--moves-to', '21.0.0');
  expect(none.out).toContain('Nobody would move to 21.0.0.');
  const others = await runAs(api.tokens.outsider, 'fragments', 'node');
  expect(others.out).toContain('Nobody uses it.\nBesides, 2 in projects that you may not see.');
});

test('as many are read as are wanted, page by page', async () => {
  const terminal = await openTerminal(redis);
  for (const ref of ['one', 'two', 'three']) await built(terminal, ref, 'template:node@20');
  const read = async (limit: number) => {
    const { out } = await terminal.run('fragments', 'node', '--json', '--limit', String(limit));
    return JSON.parse(out) as { users: unknown[]; next?: string };
  };
  expect((await read(2)).users).toHaveLength(2);
  expect(await read(2)).toHaveProperty('next');
  expect((await read(3)).users).toHaveLength(3);
  expect(await read(3)).not.toHaveProperty('next');
  const { out } = await terminal.run('fragments', 'node', '--limit', '1');
  expect(out).toContain('There are more: ask with a higher --limit.');
});

test('what is wrong with its versions.yml is told, of one and of all', async () => {
  const { run, api } = await openTerminal(redis);
  const { fragments } = api.ekiden;
  const problem = 'node.versions.yml:1: it is no mapping';
  const wrong = { name: 'node', versions: [], count: { refs: 0, projects: 0 }, problem };
  const told = async () => wrong;
  api.ekiden.fragments = { ...fragments, list: async () => [wrong], find: told };
  const words = `problem  no build can take node: ${problem}\n`;
  expect((await run('fragments')).out).toContain(words);
  expect((await run('fragments', 'node')).out).toContain(words);
});
