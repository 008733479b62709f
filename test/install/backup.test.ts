/** A backup made while Ekiden works, its removal as docs/install.md has it, and the way back elsewhere. */
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { packageFolder } from '../../src/paths.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { poll } from '../demo/poll.ts';
import { isReady, type StageState } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus, readPage } from '../demo/watching.ts';
import { fencesOf } from '../docs/markdown.ts';
import { appFiles } from '../flow/following.ts';
import { openStage } from '../flow/stage.ts';

const run = promisify(execFile);
const inherited = { PATH: process.env['PATH'], DOCKER_HOST: process.env['DOCKER_HOST'] };

type Settings = Record<string, string>;

function ekiden(settings: Settings, ...args: string[]) {
  const env = { ...inherited, ...settings };
  return run(process.execPath, [join(packageFolder, 'dist/runners/cli.js'), ...args], { env });
}

async function startUp(settings: Settings, state: StageState): Promise<EkidenProcess> {
  const data = settings['EKIDEN_DATA'] ?? '';
  await mkdir(data, { recursive: true });
  return startEkidenProcess({
    ...{ name: 'ekiden', args: ['up'], data, settings, isReady: () => isReady(state) },
  });
}

/** Runs the lines of the page, with the names of this installation in place of the usual ones. */
async function uninstall({ EKIDEN_INSTALL = '', EKIDEN_DATA = '' }: Settings): Promise<void> {
  const page = await readFile(join(packageFolder, 'docs/install.md'), 'utf8');
  const lines = fencesOf(page, 'sh').find(({ text }) => text.includes('install=ekiden data='));
  const text = lines?.text.replace(
    /install=ekiden data=\S+/,
    `install=${EKIDEN_INSTALL} data=${EKIDEN_DATA}`,
  );
  await run('sh', ['-euc', text ?? 'exit 1'], { env: inherited });
}

async function expectNothingLeft({ EKIDEN_INSTALL, EKIDEN_DATA = '' }: Settings): Promise<void> {
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const filters = { label: [`ekiden.install=${EKIDEN_INSTALL}`] };
  expect(await docker.listContainers({ all: true, filters })).toEqual([]);
  expect(await docker.listNetworks({ filters })).toEqual([]);
  expect(await docker.listImages({ filters })).toEqual([]);
  await expect(access(EKIDEN_DATA)).rejects.toThrow('ENOENT');
}

test('what was backed up is there again, after everything was removed', async () => {
  let first: Settings = {};
  let up: EkidenProcess | undefined;
  const stage = await openStage('backup', { deadline: 60 }, async (settings, state) => {
    first = { ...settings, EKIDEN_DATA: join(state.dataDir, 'first') };
    up = await startUp(first, state);
    return { stop: async () => up?.stop() };
  });
  onTestFinished(() => stage.stop());
  const { state, gitlab } = stage;
  const project = await stage.project('backup/app');
  const sha = await project.copy.commit(appFiles('"v1"'), 'v1');
  await project.copy.push();
  const wanted = { project: project.id, sha, states: ['success', 'failed'], within: 90_000 };
  const live = await awaitStatus(gitlab, { ...wanted, name: 'ekiden/deploy/production/web' });
  expect(live).toMatchObject({ status: 'success' });
  const { targetUrl } = await awaitStatus(gitlab, { ...wanted, name: 'ekiden/build' });
  const page = await readPage(gitlab, targetUrl);

  const file = join(state.dataDir, 'backup.tar');
  const { stdout } = await ekiden(first, 'backup', file);
  expect(stdout).toContain('redis, engine/state, registry/data');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await up?.stop()).toBe(0);
  await uninstall(first);
  await expectNothingLeft(first);

  const second = { ...first, EKIDEN_DATA: join(state.dataDir, 'second') };
  onTestFinished(async () => {
    // Role balance would bring nginx back.
    await up?.stop();
    await uninstall(second);
  });
  await ekiden(second, 'restore', file);
  await expect(ekiden(second, 'restore', file)).rejects.toMatchObject({
    stderr: expect.stringContaining('is not empty'),
  });
  up = await startUp(second, state);
  const request = { url: state.nginxUrl, host: 'backup-app.localhost' };
  const answers = async () => (await ask(request)).body.includes('"v1"') || undefined;
  await poll(answers, { within: 60_000, what: 'the app' });
  expect(await readPage(gitlab, targetUrl)).toEqual(page);

  const next = await project.copy.commit(appFiles('"v2"'), 'v2');
  await project.copy.push();
  const status = { ...wanted, sha: next, name: 'ekiden/deploy/production/web' };
  expect(await awaitStatus(gitlab, status)).toMatchObject({ status: 'success' });
  expect((await ask(request)).body).toContain('"v2"');
}, 240_000);
