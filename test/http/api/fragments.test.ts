/** What the API tells of fragments, and to whom. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild, sampleDeploy } from '../../support/samples.ts';
import { type Api, openApi } from './rig.ts';

const redis = useRedis();
const sha256 = 'f'.repeat(64);

function plan(source: string, version: string) {
  const fragments = [{ source, file: `template:node@${version}`, sha256 }];
  return {
    ...{
      dockerfile: 'Dockerfile',
      context: '',
      args: {},
      secrets: {},
      services: [],
      deploy: sampleDeploy,
      jobs: [],
    },
    ...{ environments: ['production'], warnings: [], fragments },
  };
}

/** The build of a project succeeds, as the relay tells it. */
async function built(api: Api, project: number, source: string) {
  const id = `b${project}`;
  const record = { id, project, projectPath: `shop/p${project}`, order: 1 };
  await api.ekiden.builds.create(sampleBuild({ ...record, plan: plan(source, '20.0.0') }));
  await api.ekiden.noteFragments(id);
}

const stranger = 4711;

test('the templates are listed with their versions and how many use them', async () => {
  const api = await openApi({ redis });
  await built(api, api.project, 'template:node@20');
  const { body } = await api.call('GET', '/fragments', { token: api.tokens.outsider });
  const { items } = body as { items: { name: string }[] };
  expect(items.map(({ name }) => name)).toEqual(expect.arrayContaining(['logs', 'node']));
  expect(items.find(({ name }) => name === 'node')).toMatchObject({
    versions: expect.arrayContaining([{ version: '20.0.0' }]),
    ...{ projects: 1, refs: 1 },
    readme: expect.stringMatching(/\/api\/v1\/fragments\/node\/readme$/),
  });
  const wrong = { name: 'node', versions: [], count: { refs: 0, projects: 0 }, problem: 'wrong' };
  api.ekiden.fragments.list = async () => [wrong];
  const told = await api.call('GET', '/fragments', { token: api.tokens.outsider });
  expect(told.body).toMatchObject({ items: [{ name: 'node', problem: 'wrong' }] });
});

test('users are shown to those who may look at them, and the others are counted', async () => {
  const api = await openApi({ redis });
  await built(api, api.project, 'template:node@20');
  await built(api, stranger, 'template:node@20');
  const seenBy = async (token: string, name = 'node') =>
    (await api.call('GET', `/fragments/${name}`, { token })).body;
  expect(await seenBy(api.tokens.reporter)).toMatchObject({
    ...{ name: 'node', projects: 2, hidden: 1 },
    users: [
      {
        project: { id: api.project, path: `shop/p${api.project}` },
        ...{ ref: 'refs/heads/main', environments: ['production'], build: `b${api.project}` },
        taken: [{ source: 'template:node@20', version: '20.0.0', sha256 }],
      },
    ],
  });
  expect(await seenBy(api.tokens.guest)).toMatchObject({ users: [], hidden: 2, projects: 2 });
  expect(await seenBy(api.gitlab.token, 'template%3Anode')).toMatchObject({ hidden: 0 });
});

test('a new version touches those whose range takes it', async () => {
  const api = await openApi({ redis });
  await built(api, api.project, 'template:node@20');
  const usersFor = async (version: string) => {
    const at = `/fragments/node?version=${version}`;
    const { body } = await api.call('GET', at, { token: api.tokens.reporter });
    return (body as { users: unknown[] }).users.length;
  };
  expect(await usersFor('20.99.0')).toBe(1);
  expect(await usersFor('21.0.0')).toBe(0);
});

test('a file of another project is told to those who may look at that project', async () => {
  const api = await openApi({ redis });
  const name = 'project:shop/front:docker/base.dockerfile';
  const file = 'docker/base.dockerfile';
  const fragment = { source: 'project:shop/front:docker/base', file: 'unused', sha256 };
  const source = { id: api.project, path: 'shop/front', sha: 'abc', file };
  const own = { ...plan('', ''), fragments: [{ ...fragment, project: source }] };
  await api.ekiden.builds.create(sampleBuild({ project: stranger, plan: own }));
  await api.ekiden.noteFragments('b1');
  const at = `/fragments/${encodeURIComponent(name)}`;
  const seen = await api.call('GET', at, { token: api.tokens.reporter });
  expect(seen.body).toMatchObject({ name, versions: [], users: [], hidden: 1, refs: 1 });
  expect(seen.body).not.toHaveProperty('readme');
  const hidden = await api.call('GET', at, { token: api.tokens.outsider });
  const other = await api.call('GET', at.replace('front', 'none'), { token: api.tokens.outsider });
  expect([hidden.status, other.status]).toEqual([404, 404]);
  expect(hidden.body).toMatchObject({ code: 'E_FRAGMENT' });
});

test('a file of a project is found by every name that the project has or had', async () => {
  const api = await openApi({ redis });
  const file = { id: api.project, path: 'shop/front', sha: 'abc', file: 'base' };
  const fragment = { source: 'project:shop/front:base', file: 'unused', sha256, project: file };
  const own = { ...plan('', ''), fragments: [fragment] };
  await api.ekiden.builds.create(sampleBuild({ project: stranger, plan: own }));
  await api.ekiden.noteFragments('b1');
  api.gitlab.renameProject(api.project, 'shop/store');
  for (const path of ['shop/store', 'Shop/Store', 'shop/front']) {
    const at = `/fragments/${encodeURIComponent(`project:${path}:base`)}`;
    const { body } = await api.call('GET', at, { token: api.tokens.reporter });
    expect(body).toMatchObject({ name: 'project:shop/store:base', hidden: 1, refs: 1 });
  }
});

test('README of a template is Markdown, and what is not there is said with the names', async () => {
  const api = await openApi({ redis });
  const { call } = api;
  const token = api.tokens.guest;
  const readme = await call('GET', '/fragments/node/readme', { token });
  expect([readme.status, readme.text.split('\n')[0]]).toEqual([200, '# template:node']);
  expect((await call('GET', '/fragments/template%3Anode/readme', { token })).text).toBe(
    readme.text,
  );
  const out = '/fragments/..%2F..%2Fdocs';
  const long = `/fragments/${'n'.repeat(1_000)}`;
  const absent = ['/fragments/nodejs', out, long];
  for (const path of absent.flatMap((each) => [each, `${each}/readme`])) {
    expect(await call('GET', path, { token })).toMatchObject({
      status: 404,
      body: { code: 'E_FRAGMENT', detail: expect.stringContaining('node') },
    });
  }
  api.ekiden.fragments.readme = async () => undefined;
  const without = await call('GET', '/fragments/node/readme', { token });
  expect(without.body).toMatchObject({ code: 'E_FRAGMENT', title: 'node has no README.' });
  for (const path of ['/fragments', '/fragments/node', '/fragments/node/readme']) {
    expect((await call('GET', path)).status).toBe(401);
  }
});
