/** Tests of sweeping what a killed run left, with real processes and a real Docker. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDockerApi, labelled } from './docker-api.js';
import { root } from './paths.js';
import { isAlive, processesWithArgument, processesWithSetting } from './processes.js';

const dockerHost = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
const image = process.env.EKIDEN_TEST_BUSYBOX;
const cache = mkdtempSync(join(tmpdir(), 'ekiden-install-'));
const runs = join(cache, 'ekiden/runs');
const api = createDockerApi(dockerHost);
afterAll(() => {
  runScript(sweep);
  rmSync(cache, { recursive: true });
});

/** Runs a module's text in a process of its own, whose cache is this test's. */
function runScript(text) {
  const env = { ...process.env, XDG_CACHE_HOME: cache, EKIDEN_TEST_INSTALL: undefined };
  const args = ['--input-type=module', '-e', text];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: join(root, 'test/setup'),
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout: stdout.trim(), stderr };
}

/** Makes something of each kind in an install, tells its id, and does not live to remove it. */
const killedRun = `
  import { execFileSync, spawn } from 'node:child_process';
  import { mkdirSync, writeFileSync } from 'node:fs';
  import { createDockerApi } from './docker-api.js';
  import { createInstall } from './install.js';
  import { identify } from './processes.js';
  const { install, data } = createInstall({ kind: 'test', dockerHost: '${dockerHost}' });
  const api = createDockerApi('${dockerHost}');
  const Labels = { 'ekiden.install': install };
  const recorded = spawn('sleep', ['100'], { detached: true, stdio: 'ignore' });
  mkdirSync(data + '/of-a-test/run', { recursive: true });
  writeFileSync(data + '/of-a-test/run/recorded.json', JSON.stringify(identify(recorded.pid)));
  spawn('sleep', ['100'], { detached: true, stdio: 'ignore', env: { ...process.env, EKIDEN_TEST_INSTALL: install } });
  mkdirSync(data + '/nginx/logs', { recursive: true });
  const socket = 'unix:' + data + '/nginx/socket';
  writeFileSync(data + '/nginx/nginx.conf', 'pid ' + data + '/nginx/pid; events {} http { access_log off; server { listen ' + socket + '; } }');
  execFileSync('nginx', ['-p', data + '/nginx', '-c', data + '/nginx/nginx.conf', '-e', data + '/nginx/logs/error.log'], { stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin' } });
  await api.post('/networks/create', { Name: install, Labels });
  const HostConfig = { NetworkMode: install, Binds: [data + '/made/by/root:/made'] };
  const { Id } = JSON.parse(await api.post('/containers/create', { Image: '${image}', Cmd: ['sleep', '100'], Labels, HostConfig }));
  await api.post('/containers/' + Id + '/start');
  process.stdout.write(install, () => process.kill(process.pid, 'SIGKILL'));`;

const sweep = `
  import { createDockerApi } from './docker-api.js';
  import { abandonedRuns, endRunProcesses, removeRun } from './install.js';
  const context = { api: createDockerApi('${dockerHost}'), image: '${image}', isRoot: process.getuid() === 0 };
  for (const run of abandonedRuns()) {
    await endRunProcesses(run);
    await removeRun(run, context);
    console.log(run.install);
  }`;

async function whatIsLeft(install) {
  const filter = labelled(`ekiden.install=${install}`);
  return {
    processes: processesWithSetting([`EKIDEN_TEST_INSTALL=${install}`]).length,
    servers: processesWithArgument(['nginx'], `${join(runs, install)}/`).length,
    containers: (await api.get(`/containers/json?all=1&${filter}`)).length,
    networks: (await api.get(`/networks?${filter}`)).length,
    folder: existsSync(join(runs, install)),
  };
}

describe('a run that was killed', () => {
  beforeAll(() => {
    expect(image, 'EKIDEN_TEST_BUSYBOX is not set: run the tests with npm test').toBeTruthy();
  });

  it('is swept by the next, which leaves alone what lives', async () => {
    const install = runScript(killedRun).stdout;
    const recorded = JSON.parse(
      readFileSync(join(runs, install, 'data/of-a-test/run/recorded.json'), 'utf8'),
    );
    // A worker of nginx bears its master's arguments until it has given itself a title.
    await expect
      .poll(() => whatIsLeft(install))
      .toEqual({
        processes: 1,
        servers: 1,
        containers: 1,
        networks: 1,
        folder: true,
      });
    expect(isAlive(recorded)).toBe(true);

    const living = `import { createInstall } from './install.js'; createInstall({ kind: 'living' });`;
    expect(runScript(`${living}${sweep.replaceAll('import', '\n  import')}`).stdout).toBe(install);

    expect(await whatIsLeft(install)).toEqual({
      processes: 0,
      servers: 0,
      containers: 0,
      networks: 0,
      folder: false,
    });
    expect(isAlive(recorded)).toBe(false);
    expect(readdirSync(runs)).toEqual([expect.stringMatching(/^living-/)]);
  });
});
