/** One engine alone works on a data folder, and touches what it made; a folder that cannot be used is named. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startEngine } from '../../runners/engine.ts';
import { claim } from '../../src/engine/claim.ts';
import { frameworkIdOf } from '../../src/engine/identity.ts';
import {
  busybox,
  docker,
  dockerHost,
  plain,
  startTestEngine,
  type TestEngine,
  until,
} from './harness.ts';

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'claim-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const common = { listen: '127.0.0.1:0', docker: dockerHost, drainSeconds: 0 };

it('refuses a second engine, which would take the tasks of the first for its own', async () => {
  const engine = await startTestEngine();
  onTestFinished(() => engine.close());
  const install = `${engine.install}-other`;
  await expect(startEngine({ ...common, data: engine.data, install })).rejects.toMatchObject({
    code: 'E_RUNS',
    hint: expect.stringContaining('--data'),
  });
});

it('leaves alone what another engine of its install runs from another folder', async () => {
  const engine = await startTestEngine();
  onTestFinished(() => engine.close());
  await engine.api('POST', '/v2/apps', plain('/kept'));
  const task = async () => (await engine.tasks('/kept'))[0];
  await until(async () => (await task())?.state === 'TASK_RUNNING');
  const { id } = await task();
  const other = await startTestEngine({ install: engine.install });
  onTestFinished(() => other.close());
  await other.api('POST', '/v2/apps', plain('/own'));
  const own = async () => (await other.tasks('/own'))[0];
  await until(async () => (await own())?.state === 'TASK_RUNNING');
  const stray = await copyOf((await own()).id);
  // The other one has looked around as often as it takes to remove a stranger.
  await expect.poll(() => isThere(stray), { timeout: 25_000 }).toBe(false);
  expect(await task()).toMatchObject({ id, state: 'TASK_RUNNING' });
});

/** A container that carries all labels of a task, and that no engine knows. */
async function copyOf(task: string): Promise<string> {
  const { Config } = await docker.getContainer(task).inspect();
  const Labels = { ...Config.Labels, MESOS_TASK_ID: 'none_stray.instance-1._app.1' };
  return (await docker.createContainer({ Image: busybox, Labels })).id;
}

async function isThere(container: string): Promise<boolean> {
  const all = await docker.listContainers({ all: true });
  return all.some(({ Id }) => Id === container);
}

it('is the same engine by whatever links its folder is named', async () => {
  const folder = await emptyFolder();
  const [real, link] = [join(folder, 'real'), join(folder, 'link')];
  await mkdir(real);
  await symlink(real, link);
  const idOf = (data: string) => frameworkIdOf({ install: 'lab', data });
  expect(idOf(link)).toBe(idOf(real));
  const before = idOf(join(link, 'data/engine'));
  await mkdir(join(real, 'data/engine'), { recursive: true });
  expect(idOf(join(link, 'data/engine'))).toBe(before);
  expect(idOf(join(real, 'data/engine/'))).toBe(before);
  expect(idOf(folder)).not.toBe(idOf(real));
  // What engines have labelled already they go on knowing.
  expect(idOf('/none/of/these/engine')).toBe('ekiden-engine-a2a54f7a6b362378');
});

it('runs tasks from a folder that is named from where it was started', async () => {
  const data = relative(process.cwd(), await emptyFolder());
  const engine = await startTestEngine({ data });
  onTestFinished(() => engine.close());
  await engine.api('POST', '/v2/apps', { ...plain('/relative'), backoffSeconds: 3600 });
  const task = async () => (await engine.tasks('/relative'))[0]?.state ?? (await failure(engine));
  await expect.poll(task, { timeout: 20_000 }).toBe('TASK_RUNNING');
});

async function failure({ api }: TestEngine): Promise<string | undefined> {
  return (await api('GET', '/v2/apps/relative')).body.app.lastTaskFailure?.message;
}

it('gives back what it took, also when it does not start', async () => {
  const data = join(await emptyFolder(), 'a/b');
  const noDocker = { ...common, docker: 'unix:///none.sock' };
  for (let time = 0; time < 2; time++) {
    await expect(startEngine({ ...noDocker, data, install: 'claimed' })).rejects.toMatchObject({
      code: 'E_ENGINE_DOCKER',
    });
    const release = await claim(data);
    release();
  }
});

it('says which folder cannot be used', async () => {
  const file = join(await emptyFolder(), 'file');
  await writeFile(file, '');
  for (const data of [file, `${file}/below`, '/proc/nothing/can/be/made/here']) {
    await expect(claim(data)).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining(data),
      hint: expect.stringContaining('--data'),
    });
  }
});
