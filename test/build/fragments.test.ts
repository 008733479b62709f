/** Whom a new version of a fragment touches. */
import { expect, test } from 'vitest';
import type { TemplateSource } from '../../src/build/dockerfile/index.ts';
import { createFragments, movesTo } from '../../src/build/fragments.ts';
import { SetupError } from '../../src/core/errors.ts';
import type { FragmentUse, FragmentUses } from '../../src/core/fragment.ts';

const available = ['9.0.0', '9.1.0', '10.0.0'];

test.each([
  ['template:tomcat@9', '9.1.0', '9.2.0', true],
  ['template:tomcat@9.1', '9.1.0', '9.2.0', false],
  ['template:tomcat@9.1', '9.1.0', '9.1.1', true],
  ['template:tomcat@9.1.0', '9.1.0', '9.1.1', false],
  ['template:tomcat@9', '9.1.0', '9.0.5', false],
  ['template:tomcat@9', '9.0.0', '9.1.0', true],
  ['template:tomcat@9', '9.1.0', '9.1.0', false],
  ['template:tomcat', '10.0.0', '10.0.1', true],
  ['template:tomcat', '10.0.0', '9.2.0', false],
  ['template:tomcat@9', '9.1.0', '9.2.0-rc1', false],
])('%s at %s, and %s comes: %s', (source, version, next, moves) => {
  const taken = { name: 'tomcat', source, version, sha256: '' };
  expect(movesTo(next, { available, taken })).toBe(moves);
});

const templates: TemplateSource = {
  versions: async (name) => (name === 'tomcat' ? available : undefined),
  read: async () => Buffer.alloc(0),
  names: async () => ['tomcat'],
  readme: async (name) => `# ${name}\n`,
  notices: async () => ({
    deprecated: { '9.0.0': 'use tomcat@10' },
    withdrawn: { '9.1.0': 'use tomcat@9.0' },
  }),
};

function useAt(project: number, source: string, version: string): FragmentUse {
  const fragments = [
    { name: 'tomcat', source, version, sha256: '' },
    { name: 'logs', source: 'template:logs@1', version: '1.0.0', sha256: '' },
  ];
  const build = { project, projectPath: `shop/${project}`, ref: 'refs/heads/main', sha: 'a' };
  return { ...build, environments: [], build: 'b', order: 1, at: 1, fragments };
}

const used = [useAt(1, 'template:tomcat@9', '9.1.0'), useAt(2, 'template:tomcat@10', '10.0.0')];
const uses: FragmentUses = {
  list: async () => ({ items: used, next: 'more' }),
  count: async () => ({ refs: 2, projects: 2 }),
  note: async () => undefined,
  forget: async () => undefined,
};
const fragments = createFragments({ templates, uses });

test('versions come newest first, with what is said of them', async () => {
  const tomcat = {
    name: 'tomcat',
    versions: [
      { version: '10.0.0' },
      { version: '9.1.0', withdrawn: 'use tomcat@9.0' },
      { version: '9.0.0', deprecated: 'use tomcat@10' },
    ],
    count: { refs: 2, projects: 2 },
  };
  expect(await fragments.list()).toEqual([tomcat]);
  expect(await fragments.find('tomcat')).toEqual(tomcat);
  expect(await fragments.find('java')).toBeUndefined();
});

test('a template whose notices are wrong is listed with the problem, and the others as they are', async () => {
  const wrong = new SetupError("the template's tomcat/versions.yml cannot be used", { code: 'E' });
  const broken = createFragments({
    templates: {
      ...templates,
      names: async () => ['tomcat', 'java'],
      versions: async () => ['9.0.0'],
      notices: async (name) => {
        if (name === 'tomcat') throw wrong;
        return { deprecated: {}, withdrawn: {} };
      },
    },
    uses,
  });
  const java = { name: 'java', versions: [{ version: '9.0.0' }], count: { refs: 2, projects: 2 } };
  const tomcat = { ...java, name: 'tomcat', problem: wrong.message };
  expect(await broken.list()).toEqual([java, tomcat]);
  expect(await broken.find('tomcat')).toEqual(tomcat);
});

test('what lies beside the templates is the README of none', async () => {
  expect(await fragments.readme('tomcat')).toBe('# tomcat\n');
  expect(await fragments.readme('notes')).toBeUndefined();
});

test('users are shown with what they took of the fragment', async () => {
  const { items, next } = await fragments.users('tomcat', { limit: 10 });
  expect(items.map(({ project, taken }) => [project, taken.map(({ source }) => source)])).toEqual([
    [1, ['template:tomcat@9']],
    [2, ['template:tomcat@10']],
  ]);
  expect(next).toBe('more');
});

test('a version that is withdrawn leaves its users to the one before', async () => {
  const movedTo = async (version: string) =>
    (await fragments.users('tomcat', { limit: 10, version })).items.map(({ project }) => project);
  expect(await movedTo('9.0.0')).toEqual([1]);
  expect(await movedTo('10.1.0')).toEqual([2]);
  expect(await movedTo('11.0.0')).toEqual([]);
});
