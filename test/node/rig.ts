/** Tasks in real containers, as the engine or Mesos runs them, and a node that looks at them. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { connectDocker, type Docker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import { createInstances, type Instances } from '../../src/node/instances.ts';

const docker = connectDocker(process.env['DOCKER_HOST']);

/** A data folder, and a name of an installation that no other test has. */
export async function setUp() {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'node-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const install = `${process.env['EKIDEN_TEST_INSTALL'] ?? 'test'}-${randomBytes(4).toString('hex')}`;
  const start = async (over: Docker = docker): Promise<Instances> => {
    const instances = createInstances({ docker: over, install, data, log: silent });
    await instances.start();
    onTestFinished(() => instances.stop());
    return instances;
  };
  return { data, install, start };
}

interface Task {
  data: string;
  labels: Record<string, string>;
  env?: string[];
  network?: string;
  command?: string;
  /** Bytes. */
  memory?: number;
}

const wait = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

/** A task as the engine or Mesos runs it; answers its id. */
export async function run({
  data,
  labels,
  env = [],
  network = 'none',
  command = wait,
  memory = 0,
}: Task) {
  const id = `shop_production_web.instance-${crypto.randomUUID()}._app.1`;
  const sandbox = join(data, 'engine/sandboxes', id);
  await mkdir(join(sandbox, 'logs'), { recursive: true });
  const container = await docker.createContainer({
    Image: process.env['EKIDEN_TEST_BUSYBOX'] ?? 'busybox',
    Cmd: ['sh', '-c', command],
    Labels: { MESOS_TASK_ID: id, ...labels },
    Env: env,
    HostConfig: {
      NetworkMode: network,
      ...(memory > 0 ? { Memory: memory, MemorySwap: memory } : {}),
      Binds: [`${sandbox}:/mnt/mesos/sandbox`, `${sandbox}/logs:/var/log/app`],
    },
  });
  onTestFinished(() => container.remove({ force: true }).catch(() => undefined));
  await container.start();
  return { id, sandbox, container };
}
