/** The dry run of a Dockerfile by the API: what it answers, what it says of errors, and for whom it reads. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { type Api, openApi } from './rig.ts';

const redis = useRedis();

const commit = ({ gitlab, project }: Api, files: Record<string, string>, branch = 'main') =>
  gitlab.commit(project, { branch, message: 'change', files });

/** Asks for an expansion. */
async function expand(api: Api, body: object, token = api.tokens.reporter) {
  const at = `/projects/${api.project}/dockerfile/expand`;
  const { status, body: answer, headers } = await api.call('POST', at, { token, body });
  return { status, headers, body: answer as Record<string, unknown> };
}

test('answers what a build would make of a commit, and where it comes from', async () => {
  const api = await openApi({ redis });
  const sha = await commit(api, {
    '.ekiden.yml': 'build: { dockerfile: docker/Dockerfile }\n',
    'docker/Dockerfile': 'INCLUDE base\nINCLUDE template:logs\nCMD ["x"]\n',
    'docker/base': 'FROM scratch\n',
  });
  const { status, body } = await expand(api, {});
  expect(status).toBe(200);
  expect(body).toMatchObject({
    sha,
    encoding: 'utf-8',
    text: expect.stringMatching(/^FROM scratch\n(?:.*\n)*CMD \["x"\]\n$/),
    warnings: [{ severity: 'warning', code: 'W_UNPINNED', file: 'docker/Dockerfile', line: 2 }],
    fragments: [
      { source: 'base', file: 'docker/base', sha256: expect.any(String) },
      { source: 'template:logs', template: { name: 'logs' } },
    ],
  });
  const lines = body['lines'] as { file: string; line: number; count: number }[];
  expect(lines[0]).toEqual({ file: 'docker/base', line: 1, count: 1 });
  expect(lines.at(-1)).toEqual({ file: 'docker/Dockerfile', line: 3, count: 1 });
  const plain = await expand(api, { map: false });
  expect(plain.body['text']).toBe(body['text']);
  expect(plain.body).not.toHaveProperty('lines');
});

test('takes a ref, a path, and the text of an editor', async () => {
  const api = await openApi({ redis });
  const sha = await commit(api, {
    ...{ Dockerfile: 'FROM a\n', x: 'FROM x\n', part: 'RUN main\n' },
    'of/main': 'RUN of main\n',
  });
  await commit(api, { part: 'RUN feature\n', Dockerfile: 'FROM b\n' }, 'feature/x');
  const textOf = async (body: object) => (await expand(api, body)).body['text'];
  expect(await textOf({ ref: 'feature/x' })).toBe('FROM b\n');
  expect(await textOf({ ref: 'refs/heads/feature/x' })).toBe('FROM b\n');
  expect(await textOf({ ref: sha })).toBe('FROM a\n');
  expect(await textOf({ path: 'x' })).toBe('FROM x\n');
  expect(await textOf({ content: 'INCLUDE of/$EKIDEN_REF\n' })).toBe('RUN of main\n');
  expect(await textOf({ content: 'INCLUDE part\n', ref: 'feature/x' })).toBe('RUN feature\n');
  expect(await textOf({ content: 'INCLUDE ../part\n', path: 'new/Dockerfile' })).toBe('RUN main\n');
  expect(await textOf({ content: 'FROM c\n', path: './Dockerfile' })).toBe('FROM c\n');
  expect(await textOf({ content: 'FROM c\n', path: '/of//new' })).toBe('FROM c\n');
  expect(await textOf({ content: '' })).toBe('');
});

test('bytes that are no text come as Base64', async () => {
  const api = await openApi({ redis });
  await api.gitlab.commit(api.project, {
    ...{ branch: 'main', message: 'x', files: { Dockerfile: Buffer.from([0x23, 0xff, 0x0a]) } },
  });
  expect((await expand(api, {})).body).toMatchObject({ encoding: 'base64', text: 'I/8K' });
});

test('an error of INCLUDE is a problem with its place', async () => {
  const api = await openApi({ redis });
  await commit(api, { Dockerfile: 'FROM a\nINCLUDE part\n', part: '# note\n  INCLUDE nowhere\n' });
  expect(await expand(api, {})).toMatchObject({
    status: 422,
    body: {
      type: 'urn:ekiden:problem:E_NOT_FOUND',
      code: 'E_NOT_FOUND',
      mendedBy: 'developer',
      diagnostic: {
        severity: 'error',
        code: 'E_NOT_FOUND',
        message: 'nowhere is not in the repository at this commit',
        hint: expect.stringContaining('Is the file committed?'),
        ...{ file: 'part', line: 2, column: 11, width: 7 },
        chain: [{ file: 'Dockerfile', line: 2 }],
        excerpt: [
          { line: 1, text: '# note' },
          { line: 2, text: '  INCLUDE nowhere' },
        ],
      },
    },
  });
});

const longLine = `INCLUDE template:logs\nRUN ${'x'.repeat(70_000)}\n`;

test.each<[name: string, body: object, status: number, code: string]>([
  ['a ref that is not there', { ref: 'nowhere' }, 404, 'E_REF'],
  ['no such Dockerfile', { path: 'none' }, 422, 'E_NOT_FOUND'],
  ['a path out of the repository', { path: '../x' }, 422, 'E_INPUT'],
  ['a ref that is half a character', { ref: '\ud800' }, 422, 'E_INPUT'],
  ['a path that is half a character', { path: 'a/\udfff' }, 422, 'E_INPUT'],
  ['something unknown', { file: 'x' }, 422, 'E_INPUT'],
  ['a line that no builder takes', { content: longLine }, 422, 'E_LINE_TOO_LONG'],
  ['a body that is too large', { content: 'x'.repeat(1_100_000) }, 413, 'E_INPUT'],
])('refuses %s', async (_name, body, status, code) => {
  const api = await openApi({ redis });
  await commit(api, { Dockerfile: 'FROM a\n' });
  expect(await expand(api, body)).toMatchObject({ status, body: { code } });
});

test('nobody reads by it what they may not read', async () => {
  const api = await openApi({ redis });
  const { gitlab, project, tokens } = api;
  await commit(api, { Dockerfile: 'FROM a\n' });
  const secret = await gitlab.createProject({ path: 'secret/base' });
  const open = await gitlab.createProject({ path: 'open/base', visibility: 'internal' });
  for (const { id } of [secret, open]) {
    await gitlab.commit(id, { branch: 'main', message: 'x', files: { a: 'RUN a\n' } });
  }
  const member = gitlab.createUser({ username: 'member', projectId: project, accessLevel: 20 });
  gitlab.setMember({ projectId: secret.id, userId: member.id, accessLevel: 20 });
  const job = await gitlab.createJob({ projectId: project, userId: member.id, ref: 'main' });
  const ask = async (path: string, headers: Record<string, string>) => {
    const at = `/projects/${project}/dockerfile/expand`;
    const body = { content: `INCLUDE project:${path}:a\n` };
    const called = await api.call('POST', at, { headers, body });
    return (called.body as { code?: string; text?: string }).code ?? 'ok';
  };
  const bearer = (token: string) => ({ 'PRIVATE-TOKEN': token });

  expect(await ask('secret/base', bearer(member.token))).toBe('ok');
  expect(await ask('secret/base', bearer(tokens.reporter))).toBe('E_PROJECT_ACCESS');
  expect(await ask('secret/base', bearer(tokens.owner))).toBe('E_PROJECT_ACCESS');
  expect(await ask('secret/base', bearer(gitlab.token))).toBe('ok');
  // The token of a job is for its own project, whatever its user may do elsewhere.
  expect(await ask('secret/base', { 'JOB-TOKEN': job.token })).toBe('E_PROJECT_ACCESS');
  expect(await ask('open/base', { 'JOB-TOKEN': job.token })).toBe('ok');
  expect(await ask('open/base', bearer(tokens.reporter))).toBe('ok');
  const told = await expand(api, { content: 'INCLUDE project:secret/base:a\n' });
  expect(JSON.stringify(told.body)).toMatch(
    /the GitLab user reporter \(id \d+\) may not include a/,
  );
});

test('a GitLab that does not answer is no error of the Dockerfile', async () => {
  const api = await openApi({ redis });
  await commit(api, { Dockerfile: 'INCLUDE part\n', part: 'RUN x\n' });
  api.gitlab.faults.add({
    ...{ route: /files\/part/, status: 429, body: 'Retry later', headers: { 'Retry-After': '9' } },
  });
  const { status, body, headers } = await expand(api, {});
  expect([status, body['code'], headers.get('retry-after')]).toEqual([502, 'E_FETCH', '9']);
  expect(body['diagnostic']).toMatchObject({ file: 'Dockerfile', line: 1 });
});
