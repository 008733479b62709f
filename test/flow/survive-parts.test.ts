/** GitLab fails in every way and in every leg, its token ends, people push what cannot work: each push ends with a reason. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { poll } from '../demo/poll.ts';
import type { Files } from '../demo/sample-project.ts';
import { isReady, type Stage, type StageState, type Starter } from '../demo/stage.ts';
import { readPage, statusesOf } from '../demo/watching.ts';
import { applicationLimit, type Fault, rackAttack } from '../stand-ins/gitlab/faults.ts';
import { appFiles, createFollowing, type Followed, within } from './following.ts';
import { openStage, setting } from './stage.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const buildStatus = 'ekiden/build';
const deployStatus = 'ekiden/deploy/production/web';
let stage: Stage;
let follow: ReturnType<typeof createFollowing>;
let up: EkidenProcess;
let given: { settings: Record<string, string>; state: StageState };

/** `ekiden up`, which the tests start again with another token. */
async function startUp(token?: string): Promise<void> {
  const { settings, state } = given;
  up = await startEkidenProcess({
    ...{ name: 'ekiden', args: ['up'], data: state.dataDir, isReady: () => isReady(state) },
    settings: { ...settings, ...(token === undefined ? {} : { GITLAB_TOKEN: token }) },
  });
}

const starter: Starter = async (settings, state) => {
  given = { settings, state };
  await startUp();
  return { stop: async () => up?.stop() };
};

beforeAll(async () => {
  stage = await openStage('parts', { deadline: 60 }, starter);
  follow = createFollowing(stage);
});

afterAll(async () => {
  await stage?.stop();
});

/** The requests of each leg, of one project. */
const legs = (id: number) =>
  [
    `GET /api/v4/projects/${id}$`,
    `GET /api/v4/projects/${id}/repository/branches/`,
    `GET /api/v4/projects/${id}/repository/files/`,
    `GET /api/v4/projects/${id}/repository/archive`,
    `POST /api/v4/projects/${id}/statuses/`,
  ].map((route) => new RegExp(route));

const failures: Record<string, Partial<Fault>[]> = {
  'error-500': [{ status: 500, body: { message: '500 Internal Server Error' } }],
  'bad-gateway': [{ status: 502, body: '<html>Bad Gateway</html>' }, { status: 503 }],
  'rack-attack': [rackAttack({ retryAfterSeconds: 1 })],
  'application-limit': [applicationLimit()],
  'cut-off': [{ reset: true }, { afterBytes: 600, reset: true }, { afterBytes: 600 }],
};

/** No answer within the 20 s that Ekiden waits for one. */
const silent = { delayMs: 25_000, status: 504 };

it('gets through a GitLab that fails once in every question of every leg', async () => {
  const pushes = Object.entries(failures).map(async ([name, faults]) => {
    const project = await stage.project(`faults/${name}`);
    // GitLab's own limit costs a minute each time, and stands in the way of archives alone.
    const routes = legs(project.id).filter(
      ({ source }) => name !== 'application-limit' || source.includes('archive'),
    );
    for (const route of routes) {
      for (const fault of faults) stage.gitlab.faults.add({ route, ...fault });
    }
    return [name, await follow.push(project, appFiles(name))] as const;
  });
  const project = await stage.project('faults/silent');
  const [, , files, , statuses] = legs(project.id);
  for (const route of [files, statuses]) if (route) stage.gitlab.faults.add({ route, ...silent });
  pushes.push(follow.push(project, appFiles('silent')).then((pushed) => ['silent', pushed]));

  for (const [name, followed] of await Promise.all(pushes)) {
    await follow.ended(followed);
    // Each status has an outbox of its own, and the first may be told last.
    const rows = await follow.ended(followed, buildStatus);
    expect([name, rows[buildStatus]?.status, rows[deployStatus]?.status]).toEqual([
      ...[name, 'success', 'success'],
    ]);
    expect(follow.told(followed)[deployStatus]?.filter((state) => state === 'success')).toEqual([
      'success',
    ]);
    await follow.answers(`faults-${name}.localhost`, name);
  }
  expect(stage.gitlab.faults.left()).toBe(0);
});

const dockerfile = (command: string) =>
  `FROM ${setting('EKIDEN_TEST_BUSYBOX')}\nEXPOSE 8080\nCMD ["sh", "-c", "${command}"]\n`;
const quick =
  'deploy: { deadline: 12s }\nservices: { web: { health: { path: /, interval: 1s } } }\n';

describe('what people do wrong is said on the commit', () => {
  const cases: { name: string; files: Files; status: string; reason: RegExp }[] = [
    {
      name: 'YAML that is none',
      files: { Dockerfile: 'FROM scratch\n', '.ekiden.yml': 'services: [web\n' },
      status: buildStatus,
      reason: /^\.ekiden\.yml:\d+: /,
    },
    {
      name: '10,000 instances',
      files: {
        Dockerfile: 'FROM scratch\n',
        '.ekiden.yml': 'services: { web: { instances: 10000 } }\n',
      },
      status: buildStatus,
      reason: /10,?000.*EKIDEN_MAX_INSTANCES|EKIDEN_MAX_INSTANCES.*10,?000|at most 100/,
    },
    {
      name: '1 TB of memory',
      files: {
        Dockerfile: 'FROM scratch\n',
        '.ekiden.yml': 'services: { web: { mem: 1048576 } }\n',
      },
      status: buildStatus,
      reason: /EKIDEN_MAX_MEMORY|at most 65,?536/,
    },
    {
      name: 'an image that exits at once',
      files: { Dockerfile: dockerfile('exit 3'), '.ekiden.yml': quick },
      status: deployStatus,
      reason: /^not healthy after 12 s, taken down: .*exited with status 3/,
    },
    {
      name: 'a port that never opens',
      files: { Dockerfile: dockerfile('sleep 1000'), '.ekiden.yml': quick },
      status: deployStatus,
      reason: /^not healthy after 12 s, taken down: .*8080/,
    },
  ];

  it.concurrent.each(cases)('$name', async ({ name, files, status, reason }) => {
    const project = await stage.project(`wrong/${name.replace(/\W+/g, '-').toLowerCase()}`);
    const rows = await follow.ended(await follow.push(project, files), status);
    expect(rows[status]).toMatchObject({
      status: 'failed',
      description: expect.stringMatching(reason),
    });
    const page = await readPage(stage.gitlab, rows[status]?.targetUrl ?? '');
    expect(page).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
  });

  it.concurrent('a message of 1 MB is no mistake', async () => {
    const project = await stage.project('wrong/message');
    await project.copy.commit(appFiles('long message'), 'short');
    const file = join(stage.state.dataDir, 'message.txt');
    await writeFile(file, `A title\n\n${'many words '.repeat(95_000)}`);
    await project.copy.git('commit', '--quiet', '--amend', '--file', file);
    const sha = await project.copy.git('rev-parse', 'HEAD');
    await project.copy.push('HEAD');
    const rows = await follow.ended({ project, sha });
    expect(rows[deployStatus]).toMatchObject({ status: 'success' });
  });
});

it('ends a push whose project is renamed in the middle, and the next one moves its address', async () => {
  const project = await stage.project('names/old');
  const step = 'RUN echo step; sleep 3; date';
  const first = await follow.push(project, appFiles('before', { step }));
  await follow.buildThat(first, ({ log }) => log.includes('sleep 3'), 'the step');
  stage.gitlab.renameProject(project.id, 'names/new');
  expect((await follow.ended(first))[deployStatus]).toMatchObject({ status: 'success' });
  await follow.answers('names-old.localhost', 'before');
  const second = await follow.push(project, appFiles('after'));
  expect((await follow.ended(second))[deployStatus]).toMatchObject({ status: 'success' });
  await follow.answers('names-new.localhost', 'after');
  expect((await follow.app('names/old'))?.labels['ekiden.release']).toBe('2');
});

it('keeps what it has to say while its token is refused, and says it with a new one', async () => {
  const built = await stage.project('token/built');
  const asked = await stage.project('token/asked');
  const bot = stage.gitlab.createUser({ username: 'ekiden', projectId: built.id, accessLevel: 40 });
  const { token } = bot;
  stage.gitlab.addMember({ projectId: asked.id, userId: bot.id, accessLevel: 40 });
  await up.stop();
  await startUp(token);

  const step = 'RUN echo step; sleep 10; date';
  const sha = await asked.copy.commit(appFiles('never built'), 'change');
  const first = await follow.push(built, appFiles('without a token', { step }));
  await follow.buildThat(first, ({ log }) => log.includes('sleep 10'), 'the step');
  const [, , files] = legs(asked.id);
  if (files) stage.gitlab.faults.add({ route: files, delayMs: 2_000 });
  await asked.copy.push('HEAD');
  const second = { project: asked, sha };
  await poll(() => stage.gitlab.faults.left() === 0 || undefined, { within, what: 'a question' });
  stage.gitlab.endToken(token, 'revoked');

  await poll(async () => (await gitlabPart()).includes('401') || undefined, {
    within,
    what: 'the refusal on /readyz',
  });
  for (const followed of [first, second]) {
    expect(Object.values(await shown(followed))).not.toContain('failed');
  }
  expect((await shown(first))[buildStatus]).toBe('running');

  await up.stop();
  await startUp();
  const ends = [
    (await follow.ended(first))[deployStatus],
    (await follow.ended(second, buildStatus))[buildStatus],
  ];
  for (const end of ends) {
    // What was asked of GitLab without a token has failed with that reason.
    if (end?.status !== 'success') expect(end?.description).toMatch(/HTTP 401/);
  }
  expect((await shown(first))[buildStatus]).toBe('success');
});

async function gitlabPart(): Promise<string> {
  return (await fetch(`${stage.state.ekidenUrl}/readyz`)).text();
}

async function shown({ project, sha }: Followed): Promise<Record<string, string>> {
  const rows = await statusesOf(stage.gitlab, project.id, sha);
  return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
}
