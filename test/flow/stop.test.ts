/** How each role stops in the middle of its work: what it had goes on elsewhere, and it ends with 0. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { commandsWith } from '../build/registry.ts';
import { poll } from '../demo/poll.ts';
import type { Files } from '../demo/sample-project.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { appFiles } from './following.ts';
import { createRoleProcesses, type RoleProcess } from './role-processes.ts';
import { openStage } from './stage.ts';

const processes = createRoleProcesses();
const within = 120_000;
let stage: Stage;

beforeAll(async () => {
  stage = await openStage('stop', { deadline: 60 }, processes.starter);
});

afterAll(async () => {
  await stage?.stop();
});

type Project = Awaited<ReturnType<Stage['project']>>;

async function pushFiles({ copy }: Project, files: Files): Promise<string> {
  const sha = await copy.commit(files, 'change');
  await copy.push();
  return sha;
}

function awaitState({ id }: Project, sha: string, name: string, ...states: string[]) {
  return awaitStatus(stage.gitlab, { project: id, sha, name, states, within });
}

/** The exit code of a role that is asked to stop. */
async function stopRole(name: RoleProcess): Promise<number | null | undefined> {
  return processes.running.get(name)?.stop();
}

it('build: gives the build back, ends its step, and another builder takes it up', async () => {
  const project = await stage.project('stop/build');
  // Long, and found by its number, whichever builder runs it.
  const seconds = `${3_000_000 + (Date.now() % 1_000_000)}`;
  const sha = await pushFiles(project, appFiles('v1', { step: `RUN sleep ${seconds}` }));
  const isRunning = async () => (await commandsWith(`sleep\0${seconds}\0`)).length > 0;
  const started = async () => (await isRunning()) || undefined;
  await poll(started, { within, what: 'the step' });

  expect(await stopRole('build')).toBe(0);
  const ended = async () => !(await isRunning()) || undefined;
  await poll(ended, { within, what: 'the end of the step' });
  await processes.start('build');
  await poll(started, { within, what: 'the step once more' });

  const next = await pushFiles(project, appFiles('v2'));
  await awaitState(project, sha, 'ekiden/build', 'canceled');
  await poll(ended, { within, what: 'the end of the superseded step' });
  expect(await awaitState(project, next, 'ekiden/build', 'success', 'failed')).toMatchObject({
    status: 'success',
  });
});

it('deploy: leaves what it watches to another, which sees it through', async () => {
  const project = await stage.project('stop/deploy');
  // Late enough for the role to be stopped and started meanwhile.
  const sha = await pushFiles(project, appFiles('"v1"', { startsAfter: 6 }));
  const status = 'ekiden/deploy/production/web';
  await awaitState(project, sha, status, 'running');
  expect(await stopRole('deploy')).toBe(0);
  await processes.start('deploy');
  expect(await awaitState(project, sha, status, 'success', 'failed')).toMatchObject({
    status: 'success',
  });
  const request = { url: stage.state.nginxUrl, host: 'stop-deploy.localhost' };
  expect((await ask(request)).body).toContain('"v1"');
});

/**
 * Sends the head of a hook, and waits until the web role asks for its body; `finish` sends that and
 * answers all that came.
 */
async function startSlowHook(body: string) {
  const { port, hostname } = new URL(stage.state.ekidenUrl);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  const head = [
    'POST /hooks/gitlab HTTP/1.1',
    'Host: ekiden',
    `X-Gitlab-Token: ${stage.state.hookSecret}`,
    'Content-Type: application/json',
    'Expect: 100-continue',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 10)}`);
  await poll(async () => answer.includes('100 Continue') || undefined, { within, what: 'a 100' });
  return async () => {
    socket.write(body.slice(10));
    await closed;
    return answer;
  };
}

async function isRefused(): Promise<true | undefined> {
  return fetch(`${stage.state.ekidenUrl}/healthz`).then(
    () => undefined,
    () => true,
  );
}

it('web: lets a slow hook end, takes no new one, and waits for no idle connection', async () => {
  const { port, hostname } = new URL(stage.state.ekidenUrl);
  const idle = connect(Number(port), hostname);
  onTestFinished(() => void idle.destroy());
  await once(idle, 'connect');
  const finish = await startSlowHook(JSON.stringify({ object_kind: 'unknown' }));

  const stopping = stopRole('web');
  await poll(isRefused, { within, what: 'a closed door' });
  expect(await finish()).toMatch(/^HTTP\/1.1 200 [\s\S]*"ignored"/m);
  expect(await stopping).toBe(0);
  await processes.start('web');
});

it.each<RoleProcess>(['web', 'build', 'deploy', 'watch', 'balance'])(
  '%s: ends with 0 while Redis hangs',
  async (role) => {
    const record = await readFile(join(stage.state.dataDir, 'run/redis.json'), 'utf8');
    const { pid } = JSON.parse(record);
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await stopRole(role)).toBe(0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await processes.start(role);
  },
);
