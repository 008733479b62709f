/** Jobs from push to output: around a deployment, by people over API and command line, and by the clock. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { awaitStatus } from '../demo/watching.ts';
import { createCaller } from '../http/api/rig.ts';
import { openStage, setting } from './stage.ts';

const within = 120_000;
let stage: Stage;
let project: Awaited<ReturnType<Stage['project']>>;
let call: Awaited<ReturnType<typeof createCaller>>;
let token: string;

/** Answers on a port and ends as soon as it is asked to; both commands say who ran them. */
const manifest = (after: string) => `
services:
  web: { ports: [8080], health: { interval: 1s }, mem: 32, cpus: 0.05 }
  worker: { ports: [], command: "trap 'exit 0' TERM; sleep 1000 & wait", mem: 32, cpus: 0.05 }
deploy:
  before: echo migrated $GREETING
  after: ${after}
jobs:
  nightly: { schedule: "0 3 * * *", command: "true" }
`;
const dockerfile = (image: string) =>
  `FROM ${image}\nENV GREETING=hello\nCMD ["sh", "-c", "trap 'exit 0' TERM; httpd -p 8080; sleep 1000 & wait"]\n`;

interface Job {
  id: string;
  kind: string;
  state: string;
  exitCode?: number;
  reason?: string;
}

const environment = '/environments/production/jobs';
const ours = (method: string, path: string, body?: unknown) =>
  call(method, `/projects/${project.id}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
  });
const jobs = async () => ((await ours('GET', environment)).body as { items: Job[] }).items;
const logOf = async (id: string) => (await ours('GET', `${environment}/${id}/log`)).text;

async function push(version: string, after: string, states = ['success']): Promise<string> {
  const image = setting('EKIDEN_TEST_BUSYBOX');
  const files = { Dockerfile: dockerfile(image), '.ekiden.yml': manifest(after), version };
  const sha = await project.copy.commit(files, version);
  await project.copy.push('HEAD');
  for (const service of ['web', 'worker']) {
    const name = `ekiden/deploy/production/${service}`;
    await awaitStatus(stage.gitlab, { project: project.id, sha, name, states, within });
  }
  return sha;
}

const run = promisify(execFile);

/** What the command line prints, and how it ends. */
async function ekiden(...words: string[]) {
  const cli = join(packageFolder, 'dist/runners/cli.js');
  const env = { ...process.env, EKIDEN_URL: stage.state.ekidenUrl, EKIDEN_TOKEN: token };
  return run(process.execPath, [cli, ...words], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

beforeAll(async () => {
  stage = await openStage('jobs', { deadline: 60 });
  project = await stage.project('shop/front');
  const maintainer = { username: 'maintainer', projectId: project.id, accessLevel: 40 };
  ({ token } = stage.gitlab.createUser(maintainer));
  call = await createCaller(stage.state.ekidenUrl);
  await push('v1', 'echo warmed');
});

afterAll(async () => {
  await stage?.stop();
});

it('runs commands before and after a deployment once for all its services', async () => {
  const all = await jobs();
  expect(all.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
    'after succeeded',
    'before succeeded',
  ]);
  const [after, before] = all;
  expect(await logOf(before?.id ?? '')).toBe('migrated hello\n');
  const { body } = await ours('GET', '/deployments');
  const { items } = body as { items: { jobs: object }[] };
  const ids = { before: before?.id, after: after?.id };
  expect(items.map((deployment) => deployment.jobs)).toEqual([ids, ids]);
});

it('does not deploy what a failed command comes before', async () => {
  const sha = await push('v2', 'exit 3', ['failed']);
  const { body } = await ours('GET', '/deployments');
  const { items } = body as { items: { sha: string; reason: string }[] };
  const reasons = items.filter((each) => each.sha === sha).map(({ reason }) => reason);
  expect(reasons).toHaveLength(2);
  for (const reason of reasons) expect(reason).toContain('exited with status 3');
});

it('runs what people ask for by the API, and ends it', async () => {
  const { status, body } = await ours('POST', environment, {
    command: ['sh', '-c', 'echo one; exit 7'],
    service: 'worker',
  });
  expect(status).toBe(202);
  const { id } = body as Job;
  const path = `${environment}/${id}`;
  const ended = await poll(
    async () => {
      const job = (await ours('GET', path)).body as Job;
      return job.state === 'failed' ? job : undefined;
    },
    { within, what: 'the end of the job' },
  );
  expect(ended).toMatchObject({ exitCode: 7, reason: 'exited with status 7' });
  expect(await logOf(id)).toBe('one\n');
  expect(await ours('DELETE', path)).toMatchObject({ status: 409, body: { code: 'E_ENDED' } });
  const long = (await ours('POST', environment, { command: 'sleep 600' })).body as Job;
  expect((await ours('DELETE', `${environment}/${long.id}`)).status).toBe(202);
  const isCanceled = async () => (await jobs())[0]?.state === 'canceled' || undefined;
  await poll(isCanceled, { within, what: 'the end of the long job' });
});

it('runs what people ask for by the command line, and ends as it does', async () => {
  const script = 'echo out; echo err >&2; exit 5';
  const { code, stdout, stderr } = await ekiden('run', 'shop/front', '--', script);
  // Two streams, of which either may come first.
  expect([code, stdout.split('\n').toSorted()]).toEqual([5, ['', 'err', 'out']]);
  expect(stderr).toMatch(/^job [0-9a-f]{24} failed: exited with status 5\n$/);
  const words = await ekiden('run', 'shop/front', '--', 'echo', 'two  words', '$HOME');
  expect(words).toEqual({ code: 0, stdout: 'two  words $HOME\n', stderr: '' });
  expect((await ekiden('jobs', 'shop/front')).stdout).toMatch(/succeeded\s+echo 'two {2}words'/);
});

it('is for those who may deploy there', async () => {
  const { token: developer } = stage.gitlab.createUser({
    ...{ username: 'developer', projectId: project.id, accessLevel: 30 },
  });
  const path = `/projects/${project.id}${environment}`;
  const refused = await call('POST', path, { token: developer, body: { command: 'env' } });
  expect(refused).toMatchObject({ status: 403, body: { code: 'E_ROLE_TOO_LOW' } });
  expect((await call('GET', path, { token: developer })).status).toBe(200);
});

it('takes the jobs of an environment down with it', async () => {
  const { id } = (await ours('POST', environment, { command: 'sleep 600' })).body as Job;
  const stateOf = async () => ((await ours('GET', `${environment}/${id}`)).body as Job).state;
  const isRunning = async () => (await stateOf()) === 'running' || undefined;
  await poll(isRunning, { within, what: 'the start of the job' });
  expect((await ours('DELETE', '/environments/production')).status).toBe(200);
  const isOver = async () => (await stateOf()) === 'canceled' || undefined;
  await poll(isOver, { within, what: 'the end of the job' });
});
