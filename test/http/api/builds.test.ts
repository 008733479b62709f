/** What the API tells of builds that wait, and how builds are done again. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild } from '../../support/samples.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

test('a queued build tells where it stands, and one that runs does not', async () => {
  const api = await openApi({ redis });
  const { builds } = api.ekiden;
  const waiting = { position: 3, expectedSeconds: 120, priority: 129 };
  await builds.create(sampleBuild({ project: api.project, waiting }));
  const look = async () => {
    const at = `/projects/${api.project}/builds/b1`;
    return (await api.call('GET', at, { token: api.tokens.reporter })).body;
  };
  const why = 'waits for a builder: 3rd in line, about 2 min';
  expect(await look()).toMatchObject({ waiting: { ...waiting, why } });
  await builds.start('b1');
  expect(await look()).not.toHaveProperty('waiting');
});

test('a build is done again while its commit is the head', async () => {
  const api = await openApi({ redis });
  const { project, ekiden, gitlab, tokens } = api;
  const files = { Dockerfile: 'FROM scratch\n' };
  const sha = await gitlab.commit(project, { branch: 'main', message: 'one', files });
  await ekiden.builds.create(sampleBuild({ project, sha, state: 'failed' }));
  const retry = (body: object) =>
    api.call('POST', `/projects/${project}/builds/b1/retry`, { token: tokens.developer, body });
  const { status, body } = await retry({ cache: false });
  expect(status).toBe(202);
  const { id } = body as { id: string };
  expect(await ekiden.builds.find(id)).toMatchObject({
    ...{ sha, retryOf: 'b1', noCache: true, by: 'developer', cause: 'request' },
  });
  expect(await retry({ exactly: true })).toMatchObject({
    ...{ status: 409, body: { code: 'E_NO_FRAGMENTS' } },
  });
  expect(await retry({ exactly: 'yes' })).toMatchObject({ status: 422 });
  await gitlab.commit(project, { branch: 'main', message: 'two', files: { 'a.txt': 'a' } });
  expect(await retry({})).toMatchObject({ status: 409, body: { code: 'E_HEAD_MOVED' } });
});

test('what the token of a job asks for is read on behalf of nobody', async () => {
  const api = await openApi({ redis });
  const { project, ekiden, gitlab } = api;
  const files = { Dockerfile: 'FROM scratch\n' };
  const sha = await gitlab.commit(project, { branch: 'main', message: 'one', files });
  await ekiden.builds.create(sampleBuild({ project, sha, state: 'failed' }));
  const user = gitlab.createUser({ username: 'ada', projectId: project, accessLevel: 30 });
  const job = await gitlab.createJob({ projectId: project, userId: user.id, ref: 'main' });
  const ask = async (path: string, headers: Record<string, string>) => {
    const at = `/projects/${project}/builds${path}`;
    const { status, body } = await api.call('POST', at, { headers, body: {} });
    expect(status).toBe(202);
    return ekiden.builds.find((body as { id: string }).id);
  };
  for (const path of ['', '/b1/retry']) {
    const byJob = await ask(path, { 'JOB-TOKEN': job.token });
    expect(byJob).toMatchObject({ by: 'ada' });
    expect(byJob).not.toHaveProperty('actor');
    expect(await ask(path, { 'PRIVATE-TOKEN': user.token })).toMatchObject({ actor: user.id });
  }
});
