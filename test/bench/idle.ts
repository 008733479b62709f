/** How soon `ekiden up` is ready, and how much memory its own processes have when there is nothing to do. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endGroup } from '../../src/clients/processes.ts';
import { startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { secret } from './deliveries.ts';
import { median, pssOf } from './measure.ts';
import { type Bench, type Row, type Stop, stopAll } from './stage.ts';

const starts = 5;
const settleMilliseconds = 10_000;

export async function measureIdle(bench: Bench): Promise<Row[]> {
  const seen: Start[] = [];
  for (let start = 0; start < starts; start += 1) {
    seen.push(await measureStart(bench, join(bench.data, `up-${start}`)));
  }
  const seconds = (median(seen.map(({ milliseconds }) => milliseconds)) / 1_000).toFixed(2);
  const megabytes = (median(seen.map(({ bytes }) => bytes)) / 1e6).toFixed(0);
  return [
    { what: 'ekiden up: start to ready', measured: `${seconds} s`, aim: '≤ 2 s' },
    {
      what: 'ekiden up idle: PSS of node processes',
      measured: `${megabytes} MB`,
      aim: '< 250 MB',
    },
  ];
}

interface Start {
  /** Until it was ready. */
  milliseconds: number;
  /** Of memory, once it had nothing to do for a while. */
  bytes: number;
}

async function measureStart(bench: Bench, data: string): Promise<Start> {
  const stops: Stop[] = [() => clear(data)];
  try {
    const { milliseconds, pid, stop } = await startUp(bench, data);
    stops.push(stop);
    await delay(settleMilliseconds);
    const sizes = await Promise.all((await nodeProcessesOf(data, pid)).map(pssOf));
    return { milliseconds, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  } finally {
    await stopAll(stops);
  }
}

/** Ekiden leaves its nginx to the apps; here are none. */
async function clear(data: string): Promise<void> {
  for (const pid of await processesOf(data)) await endGroup(pid, () => true);
  await rm(data, { recursive: true, force: true });
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
