/** The doctor in front of a GitLab: reached or not, with a good token or a bad one, and whether it may call back. */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { type Finding, runChecks } from '../../src/doctor/check.ts';
import { checkToken, createGreeting } from '../../src/doctor/gitlab.ts';
import { findCallback } from '../../src/doctor/gitlab-callback.ts';
import { createAsk, type GitLabAccess } from '../../src/doctor/gitlab-client.ts';
import { checkTemplates } from '../../src/doctor/templates.ts';
import { type Rig, startRig } from '../stand-ins/gitlab/rig.ts';
import { startSecureServer } from '../support/authority.ts';

async function start(options: Parameters<typeof startRig>[0] = {}): Promise<Rig> {
  const rig = await startRig(options);
  onTestFinished(() => rig.stop());
  return rig;
}

/** Each finding as `name state: found`. */
async function examine(access: GitLabAccess, hookUrl = 'http://127.0.0.1:7300/hooks/gitlab') {
  const { ask, close } = createAsk(access);
  onTestFinished(close);
  const options = { ask, url: access.url };
  const { reach, clock, whenReached } = createGreeting(options);
  const callback = { ask, hookUrl, isUrlSet: true, gitlabUrl: access.url };
  const findings = await runChecks([
    reach,
    checkToken(options, whenReached),
    { name: 'hooks', run: whenReached(() => findCallback(callback)) },
    clock,
  ]);
  return { said: findings.map(toLine), findings };
}

const toLine = ({ name, state, found }: Finding) => `${name} ${state}: ${found}`;

test('all is well with a good token', async () => {
  const { gitlab } = await start();
  const { said } = await examine(gitlab);
  expect(said).toEqual([
    `GitLab ok: 19.1.0 at ${gitlab.url}`,
    'GitLab token ok: token, scopes api, never expires',
    'hooks ok: GitLab may send hooks to 127.0.0.1, which is a private address',
    'Clock ok: agrees with that of GitLab',
  ]);
});

test('a bad token is told, and hides nothing else', async () => {
  const { gitlab } = await start();
  const { id } = gitlab.createUser({ username: 'bot' });
  const narrow = gitlab.createToken({ userId: id, scopes: ['read_api'], name: 'bot' });
  const { said } = await examine({ url: gitlab.url, token: 'glpat-wrong' });
  expect(said).toEqual([
    `GitLab ok: ${gitlab.url} answers, and does not tell its version`,
    'GitLab token fail: is not valid: mistyped, revoked or expired',
    'hooks skip: GitLab refuses the token',
    'Clock ok: agrees with that of GitLab',
  ]);
  const second = await examine({ url: gitlab.url, token: narrow });
  expect(second.said[1]).toBe('GitLab token fail: bot has the scopes read_api, and not api');
  expect(second.said[2]).toMatch(/^hooks skip: 127\.0\.0\.1 is a private address; whether/);
});

test('a GitLab that may not call a private address says so to its administrator', async () => {
  const { gitlab } = await start({ allowLocalRequests: false });
  const { findings } = await examine(gitlab);
  expect(findings[2]).toMatchObject({
    state: 'fail',
    found: 'GitLab may not send hooks to 127.0.0.1, which is a private address',
    hint: expect.stringContaining('Admin → Settings → Network → Outbound requests'),
  });
  const elsewhere = await examine(gitlab, 'https://93.184.215.14/hooks/gitlab');
  expect(elsewhere.said[2]).toBe('hooks skip: not known before the first hook');
});

test('what became of the last delivery counts most', async () => {
  const rig = await start();
  const project = await rig.gitlab.createProject({ path: 'shop/web' });
  const hook = rig.gitlab.addHook(project.id, { url: rig.hookUrl, pushEvents: true });
  const deliver = () =>
    rig.api(`/projects/${project.id}/hooks/${hook}/test/push_events`, { method: 'POST' });
  await rig.gitlab.commit(project.id, {
    branch: 'main',
    files: { 'a.txt': 'a' },
    message: 'first',
  });
  await rig.gitlab.idle();
  await deliver();
  expect((await examine(rig.gitlab, rig.hookUrl)).said[2]).toBe(
    'hooks ok: the last hook of shop/web was answered 202',
  );
  rig.answer.status = 401;
  await deliver();
  const { findings } = await examine(rig.gitlab, rig.hookUrl);
  expect(findings[2]).toMatchObject({
    ...{ state: 'fail', found: 'the last hook of shop/web failed: 401' },
    hint: 'ekiden enable shop/web, which renews its secret',
  });
});

test('nobody there', async () => {
  const { said } = await examine({ url: 'http://127.0.0.1:9', token: 'x' });
  expect(said).toEqual([
    'GitLab fail: http://127.0.0.1:9 is not reached: nothing listens there',
    'GitLab token skip: GitLab is not reached',
    'hooks skip: GitLab is not reached',
    'Clock skip: GitLab is not reached',
  ]);
});

test('a private authority is asked for, and enough when it is given', async () => {
  const { url, caFile } = await startSecureServer((_, response) => {
    response.end(JSON.stringify({ version: '18.2.0' }));
  });
  const { findings } = await examine({ url, token: 'x' });
  expect(findings[0]).toMatchObject({
    found: expect.stringContaining('is of an authority that this machine does not know'),
    hint: 'Set GITLAB_CA to a file with the certificate of that authority (PEM).',
  });
  const { said } = await examine({ url, token: 'x', ca: readFileSync(caFile, 'utf8') });
  expect(said[0]).toBe(`GitLab ok: 18.2.0 at ${url}`);
});

test('the project of the templates is there, and has versions', async () => {
  const { gitlab } = await start();
  const { id } = await gitlab.createProject({ path: 'platform/templates' });
  await gitlab.createProject({ path: 'platform/empty' });
  const files = { 'base.dockerfile': 'FROM a' };
  const sha = await gitlab.commit(id, { branch: 'main', message: 'x', files });
  for (const name of ['v1', 'base/1.0.0', 'base/1.1.0', 'app/1.0.0']) {
    await gitlab.createTag(id, name, sha);
  }
  const { ask, close } = createAsk(gitlab);
  onTestFinished(close);
  const { whenReached } = createGreeting({ ask, url: gitlab.url });
  const projects = ['platform/templates', 'platform/empty', 'platform/none'];
  const found = await runChecks(
    projects.map((project) => checkTemplates({ ask, project }, whenReached)),
  );
  expect(found.map(toLine)).toEqual([
    'Templates ok: platform/templates has versions of app, base',
    'Templates warn: platform/empty has no tag such as node/20.1.0, so all templates are those delivered',
    'Templates fail: the tags of platform/none cannot be seen (HTTP 404), so no build with a template works',
  ]);
});
