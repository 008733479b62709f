/** `ekiden up` as a process, and what is left of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { endGroup } from '../../src/clients/processes.ts';
import { packageFolder } from '../../src/paths.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder, newInstall } from '../support/redis.ts';

export interface Up {
  process: ChildProcess;
  /** Exit code, once it has ended. */
  ended: Promise<number | null>;
  said(): string;
}

/** Settings of an installation of its own; the GitLab does not exist. */
export async function makeSettings(): Promise<Record<string, string>> {
  const data = await makeFolder();
  const [listen = '', nginx = '', registry = '', engine = '', node = ''] = await freeAddresses(5);
  onTestFinished(() => endAll(data));
  return {
    GITLAB_URL: 'http://127.0.0.1:9',
    GITLAB_TOKEN: 'token',
    EKIDEN_HOOK_SECRET: 'secret',
    EKIDEN_LISTEN: listen,
    EKIDEN_DATA: data,
    EKIDEN_INSTALL: newInstall(),
    NGINX_LISTEN: nginx,
    EKIDEN_REGISTRY_LISTEN: registry,
    EKIDEN_ENGINE_LISTEN: engine,
    EKIDEN_NODE_LISTEN: node,
    EKIDEN_LOG_LEVEL: 'error',
    DOCKER_HOST: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock',
  };
}

export function startUp(settings: Record<string, string>): Up {
  const child = spawn(process.execPath, [join(packageFolder, 'dist/runners/cli.js'), 'up'], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { process: child, ended, said: () => said };
}

/** Command lines of the processes that work in the folder, by their ids. */
export async function processesOf(data: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(data)) found.set(Number(name), line.replaceAll('\0', ' '));
  }
  return found;
}

async function endAll(data: string): Promise<void> {
  for (const pid of (await processesOf(data)).keys()) await endGroup(pid, () => true);
}
