/** The shipped docker-compose.yml, checked, brought up, used and taken down. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectDocker, type Docker } from '../../src/clients/docker.ts';
import { packageFolder } from '../../src/paths.ts';
import { poll } from '../demo/poll.ts';
import { projectFiles } from '../demo/sample-project.ts';
import { isReady, type Stage, type Starter } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { openStage } from '../flow/stage.ts';
import { buildStandIn, ekidenImage, redisImage, registryImage } from './stand-in-images.ts';

const run = promisify(execFile);
const env = (name: string) => process.env[name] ?? '';
const docker: Docker = connectDocker(env('DOCKER_HOST'));
const install = `${env('EKIDEN_TEST_INSTALL')}-compose`;
const roles = ['engine', 'web', 'build', 'deploy', 'watch', 'node', 'balance'];
/** Milliseconds for what takes some seconds on a machine that does nothing else. */
const within = 180_000;
const services = [...roles, 'redis', 'registry'];

/** Runs docker-compose on the shipped file with the settings as `.env`. */
async function createProject(settings: Record<string, string>) {
  const folder = await mkdtemp(join(env('EKIDEN_TEST_DATA') || '/tmp', 'compose-'));
  await copyFile(join(packageFolder, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, '.env'), lines.join(''));
  return {
    compose: (...args: string[]) =>
      run('docker-compose', ['-p', install, ...args], {
        cwd: folder,
        env: { PATH: env('PATH'), HOME: env('HOME'), DOCKER_HOST: env('DOCKER_HOST') },
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const enough = {
  GITLAB_URL: 'https://gitlab.example.com',
  GITLAB_TOKEN: 'token',
  EKIDEN_URL: 'https://ekiden.example.com',
  DOCKER_GID: '0',
};

test('the file is right, and names each setting that is missing', async () => {
  const right = await createProject(enough);
  onTestFinished(right.remove);
  await right.compose('config', '-q');

  const { GITLAB_TOKEN: _, ...withoutToken } = enough;
  const wrong = await createProject(withoutToken);
  onTestFinished(wrong.remove);
  await expect(wrong.compose('config', '-q')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('set a token of GitLab with the scope api'),
  });
});

test('its example of settings lacks but a token and the group of Docker', async () => {
  const project = await createProject({});
  onTestFinished(project.remove);
  const example = join(packageFolder, '.env.example');
  await expect(project.compose('--env-file', example, 'config', '-q')).rejects.toMatchObject({
    stderr: expect.stringContaining('GITLAB_TOKEN'),
  });
});

async function isKnown(name: string): Promise<boolean> {
  const found = docker.getImage(name).inspect();
  return found.then(
    () => true,
    () => false,
  );
}

/** Names of stand-ins by the settings of the file; real images that the daemon has are better. */
async function makeImages(): Promise<Record<string, string>> {
  const [node, busybox] = [env('EKIDEN_TEST_NODE'), env('EKIDEN_TEST_BUSYBOX')];
  // The names are of this install alone: others may test on the same daemon.
  const standIns = Object.entries({
    IMAGE: await ekidenImage(`${install}:local`, node),
    ...(!(await isKnown('redis:7.4-alpine')) && {
      REDIS_IMAGE: redisImage(`${install}-redis:local`, busybox),
    }),
    ...(!(await isKnown('registry:2.8.3')) && {
      REGISTRY_IMAGE: registryImage(`${install}-registry:local`, busybox),
    }),
  });
  await Promise.all(standIns.map(([, standIn]) => buildStandIn(docker, standIn, install)));
  return Object.fromEntries(standIns.map(([setting, { name }]) => [setting, name]));
}

/** Takes away all that are marked with the install, as far as nothing needs them any more. */
async function removeImages(): Promise<void> {
  const filters = { label: [`ekiden.install=${install}`] };
  const images = await docker.listImages({ filters });
  await Promise.allSettled(images.map(({ Id }) => docker.getImage(Id).remove({ force: true })));
}

let stage: Stage | undefined;
let data = '';
let images: Record<string, string> = {};
let project: Awaited<ReturnType<typeof createProject>>;

/** Starts Ekiden by the file instead of by `ekiden up`. */
const startComposed: Starter = async (settings, state) => {
  const socket = env('DOCKER_HOST').replace(/^unix:\/\//, '');
  project = await createProject({
    ...settings,
    ...images,
    DOCKER_SOCKET: socket,
    DOCKER_GID: String((await stat(socket)).gid),
    // Each check is a process of its own, and ten of them may not keep a slow machine busy.
    HEALTH_INTERVAL: '8s',
  });
  const stop = async () => {
    await project.compose('down', '-v', '--timeout', '10');
    await project.remove();
  };
  try {
    await project.compose('up', '-d', '--no-build');
    await poll(async () => (await isReady(state)) || undefined, { within, what: 'web' });
  } catch (error) {
    const { stdout } = await project.compose('ps', '-a').catch(() => ({ stdout: '' }));
    const said = await project.compose('logs', '--no-color', '--tail', '5').catch(() => undefined);
    await stop();
    throw new Error(`${String(error)}\n${stdout}\n${said?.stdout}`, { cause: error });
  }
  return { stop };
};

beforeAll(async () => {
  images = await makeImages();
  // In a container the folders above it belong to its image, where only root may enter /root.
  data = await mkdtemp(join(tmpdir(), 'ekiden-compose-'));
  stage = await openStage('compose', { ekidenData: data, deadline: 60 }, startComposed);
}, 400_000);

afterAll(async () => {
  await stage?.stop();
  await rm(data, { recursive: true, force: true });
  await removeImages();
});

async function containers() {
  const filters = { label: [`com.docker.compose.project=${install}`] };
  return docker.listContainers({ all: true, filters });
}

/** @throws Error that names those that are not, with the last words of one. */
async function ensureHealthy(): Promise<true> {
  const found = (await containers()).map(({ Id, Status, Labels }) => {
    return { id: Id, status: Status, service: Labels['com.docker.compose.service'] ?? '' };
  });
  const ill = found.filter(({ service, status }) => {
    return services.includes(service) && !status.includes('(healthy)');
  });
  if (found.length > services.length && ill.length === 0) return true;
  const container = docker.getContainer(ill[0]?.id ?? '');
  const said = await container.logs({ stdout: true, stderr: true, tail: 5 });
  const list = ill.map(({ service, status }) => `${service}: ${status}`).join(', ');
  throw new Error(`${list}; ${said.toString()}`);
}

function opened(): Stage {
  if (!stage) throw new Error('the stage was not set');
  return stage;
}

test('every service becomes healthy, a push goes live, and nothing is left but the app', async () => {
  const { gitlab, project: makeProject, state } = opened();
  await poll(ensureHealthy, { within, what: 'all services healthy' });

  const { id, copy } = await makeProject('compose/app');
  const sha = await copy.commit(projectFiles('v1'), 'v1');
  await copy.push();
  const live = await awaitStatus(gitlab, {
    project: id,
    sha,
    name: 'ekiden/deploy/production/web',
    states: ['success', 'failed'],
    within,
  });
  expect(live).toMatchObject({ status: 'success' });
  const request = { url: state.nginxUrl, host: 'compose-app.localhost' };
  expect((await ask(request)).body).toContain('"v1"');

  await project.compose('stop', '--timeout', '15');
  const ended = await Promise.all(
    (await containers()).map(async ({ Id, Labels }) => {
      const { State } = await docker.getContainer(Id).inspect();
      return [Labels['com.docker.compose.service'], State.ExitCode];
    }),
  );
  const ofRoles = ended.filter(([service]) => roles.includes(String(service)));
  expect(Object.fromEntries(ofRoles)).toEqual(Object.fromEntries(roles.map((role) => [role, 0])));

  await project.compose('down', '-v');
  const { Volumes } = await docker.listVolumes({
    filters: { label: [`com.docker.compose.project=${install}`] },
  });
  const networks = await docker.listNetworks({
    filters: { label: [`com.docker.compose.project=${install}`] },
  });
  expect([await containers(), Volumes ?? [], networks]).toEqual([[], [], []]);
  const apps = await docker.listContainers({ filters: { label: [`ekiden.install=${install}`] } });
  expect(apps).toHaveLength(2);
}, 400_000);
