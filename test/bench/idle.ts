/** How soon `ekiden up` is ready, and how much memory its own processes have when there is nothing to do. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endGroup } from '../../src/clients/processes.ts';
import { startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { secret } from './deliveries.ts';
import { median, pssOf } from './measure.ts';
import type { Bench, Row } from './stage.ts';

const starts = 5;
const settleMilliseconds = 10_000;

export async function measureIdle(bench: Bench): Promise<Row[]> {
  const milliseconds: number[] = [];
  const bytes: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    const data = join(bench.data, `up-${start}`);
    const up = await startUp(bench, data);
    milliseconds.push(up.milliseconds);
    // One look at the memory is enough: it differs little between starts, and waiting takes long.
    if (start === 0) {
      await delay(settleMilliseconds);
      const sizes = await Promise.all((await nodeProcessesOf(data, up.pid)).map(pssOf));
      bytes.push(sizes.reduce((sum, size) => sum + size, 0));
    }
    await up.stop();
    // Ekiden leaves its nginx to the apps; here are none.
    for (const pid of await processesOf(data)) await endGroup(pid, () => true);
    await rm(data, { recursive: true, force: true });
  }
  const ready = (median(milliseconds) / 1_000).toFixed(2);
  const mebibytes = (median(bytes) / 2 ** 20).toFixed(0);
  return [
    { what: 'ekiden up: start to ready', measured: `${ready} s`, aim: '≤ 2 s' },
    {
      what: 'ekiden up idle: PSS of node processes',
      measured: `${mebibytes} MiB`,
      aim: '< 250 MB',
    },
  ];
}

async function startUp(bench: Bench, data: string) {
  await mkdir(data, { recursive: true });
  const [listen = '', nginx = '', registry = '', engine = '', node = ''] = await freeAddresses(5);
  const started = performance.now();
  const up = await startEkidenProcess({
    name: 'bench-up',
    args: ['up'],
    data,
    settings: {
      GITLAB_URL: 'http://127.0.0.1:9',
      GITLAB_TOKEN: 'token',
      EKIDEN_HOOK_SECRET: secret,
      EKIDEN_LISTEN: listen,
      EKIDEN_DATA: data,
      EKIDEN_INSTALL: bench.install,
      NGINX_LISTEN: nginx,
      EKIDEN_REGISTRY_LISTEN: registry,
      EKIDEN_ENGINE_LISTEN: engine,
      EKIDEN_NODE_LISTEN: node,
      EKIDEN_ENGINE_IMAGE: bench.images.busybox,
      DOCKER_HOST: bench.dockerHost,
    },
    isReady: async () => (await fetch(`http://${listen}/readyz`)).ok,
  });
  return { ...up, milliseconds: performance.now() - started };
}

/** The process itself and those below it that run node: not Redis, the registry or nginx. */
async function nodeProcessesOf(data: string, up: number): Promise<number[]> {
  const ours = await processesOf(data, process.execPath);
  return [...new Set([up, ...ours])];
}

/** All that have the folder on their command line, or those of one program. */
async function processesOf(data: string, program = ''): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.startsWith(program) && line.includes(data)) found.push(Number(name));
  }
  return found;
}
