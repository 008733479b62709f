/** The stage of the flow tests, in a folder and an install of its own. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDocker } from '../../src/clients/docker.ts';
import { endGroup } from '../../src/clients/processes.ts';
import { type Stage, type StageOptions, type Starter, setStage } from '../demo/stage.ts';

/** What the set-up hands the tests by environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: run the tests with npm test`);
}

/** Sets a stage; when it is stopped, the apps and their nginx, which outlive Ekiden, go as well. */
export async function openStage(
  name: string,
  options: Partial<StageOptions> = {},
  start?: Starter,
): Promise<Stage> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), `${name}-`));
  const wanted = {
    data,
    install: `${setting('EKIDEN_TEST_INSTALL')}-${name}`,
    dockerHost: setting('DOCKER_HOST'),
    images: { node: setting('EKIDEN_TEST_NODE'), busybox: setting('EKIDEN_TEST_BUSYBOX') },
    deadline: 20,
    ...options,
  };
  const stage = await setStage(wanted, start);
  return {
    ...stage,
    async stop() {
      try {
        await stage.stop();
      } finally {
        await clearStage({ ...wanted, data: stage.state.dataDir });
      }
    },
  };
}

/** Ends what outlives Ekiden; `data` is the folder of Ekiden. */
export async function clearStage(
  options: Pick<StageOptions, 'dockerHost' | 'install' | 'data'>,
): Promise<void> {
  try {
    await removeApps(options);
  } finally {
    await endNginx(options.data);
  }
}

async function removeApps({ dockerHost, install }: Pick<StageOptions, 'dockerHost' | 'install'>) {
  const docker = connectDocker(dockerHost);
  const filters = { label: [`ekiden.install=${install}`] };
  for (const { Id } of await docker.listContainers({ all: true, filters })) {
    // The engine may have ended just when it removed one.
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGone);
  }
  for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
}

function unlessGone(error: { statusCode?: number }): void {
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

async function endNginx(data: string): Promise<void> {
  const record = await readFile(join(data, 'run/nginx.json'), 'utf8').catch(() => undefined);
  if (record !== undefined) await endGroup(JSON.parse(record).pid, () => true);
}
