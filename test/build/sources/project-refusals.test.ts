/** What is said of projects that must not be read: the same, whatever Ekiden itself finds there. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { failureOf, type Host, startHost } from './rig.ts';

let host: Host;

beforeAll(async () => {
  host = await startHost();
});
afterEach(() => host.gitlab.faults.clear());
afterAll(async () => {
  await host.stop();
});

/** What a build says that includes the source, with the name of the project and its own left out. */
async function saidOf(project: string, path = 'a', actor = host.user()) {
  const includer = await host.project({ Dockerfile: `INCLUDE project:${project}:${path}\n` });
  const { code, message, hint = '' } = await failureOf(host.expand(includer, { actor }));
  const neutral = (text: string) => text.replaceAll(project, 'X').replaceAll(includer.path, 'Y');
  return [code, neutral(message), neutral(hint)];
}

it.each([
  ['repository Ekiden may not read', { route: /repository\/branches/, status: 403, body: {} }],
  [
    'manifest is too large to be read',
    { route: /files\/%2Eekiden|files\/\.ekiden/, status: 200, body: 'x'.repeat(5_000_000) },
  ],
])('one whose %s is like one that does not exist', async (_what, fault) => {
  const { path } = await host.project({ a: 'RUN a\n', '.ekiden.yml': '' });
  const user = host.user();
  host.gitlab.faults.add(fault);
  const said = await saidOf(path, 'a', user);
  expect(host.gitlab.faults.left()).toBe(0);
  expect(said).toEqual(await saidOf('shop/none', 'a', user));
  expect(said[0]).toBe('E_PROJECT_ACCESS');
});

it.each([
  ['rights', /members\/all/],
  ['manifest', /repository\/branches/],
])(
  'one whose %s GitLab fails to tell is like one that does not exist then',
  async (_what, route) => {
    const fault = { status: 500, body: { message: 'no' } };
    const { path } = await host.project({ a: 'RUN a\n' });
    const texts = [];
    for (const [name, asked] of [
      ['shop/none', /\/projects\/shop%2Fnone/],
      [path, route],
    ] as const) {
      host.gitlab.faults.add({ route: asked, ...fault });
      const includer = await host.project({ Dockerfile: `INCLUDE project:${name}:a\n` });
      const error = await failureOf(host.expand(includer, { actor: host.user() }));
      expect(error).toMatchObject({ code: 'E_FETCH', retryable: true });
      texts.push(error.message.replaceAll(name, 'X'));
    }
    expect(host.gitlab.faults.left()).toBe(0);
    expect(new Set(texts).size).toBe(1);
  },
);

it('a rule is for a file however its path is spelled, and for no other', async () => {
  const manifest = 'include: {allow: [shop/*], paths: [open/**]}\n';
  const { path } = await host.project({ '.ekiden.yml': manifest, 'open/a': 'RUN a\n' });
  const includer = await host.project({ Dockerfile: `INCLUDE project:${path}:./x/..//open/a\n` });
  expect((await host.expand(includer)).bytes.toString()).toBe('RUN a\n');
  for (const other of ['open/../.ekiden.yml', '../open/a', '/']) {
    expect((await saidOf(path, other))[0]).toBe('E_PROJECT_ACCESS');
  }
});
