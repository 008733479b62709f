/** An upgrade as docs/operations.md has it, under a stream of hooks: every one is taken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis, type Redis } from '../../src/clients/redis.ts';
import { packageFolder } from '../../src/paths.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { poll } from '../demo/poll.ts';
import { fencesOf } from '../docs/markdown.ts';
import { makeSettings } from '../runners/up-process.ts';

const read = (path: string) => readFile(join(packageFolder, path), 'utf8');

type Settings = Record<string, string>;

function start(name: string, settings: Settings): Promise<EkidenProcess> {
  const url = `http://${settings['EKIDEN_LISTEN']}/healthz`;
  const isReady = async () => (await fetch(url)).ok;
  const role = name === 'spare' ? 'web' : 'up';
  const data = settings['EKIDEN_DATA'] ?? '';
  return startEkidenProcess({ name, args: [role], settings, data, isReady });
}

/** Runs nginx with the text of the page, on addresses of this test. */
async function startFront(data: string, addresses: { front: string; main: string; spare: string }) {
  const folder = join(data, 'front');
  await mkdir(folder);
  const [fence] = fencesOf(await read('docs/operations.md'), 'nginx');
  const site = (fence?.text ?? '')
    .replace('127.0.0.1:7300', addresses.main)
    .replace('127.0.0.1:7310', addresses.spare)
    .replace('listen 80', `listen ${addresses.front}`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const http = `access_log off; ${temporary.join(' ')}\n${site}`;
  const text = `daemon off; pid ${folder}/pid; events {}\nhttp { ${http} }\n`;
  await writeFile(join(folder, 'nginx.conf'), text);
  const words = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  const nginx = spawn('nginx', words, { stdio: 'ignore' });
  onTestFinished(async () => {
    nginx.kill('SIGTERM');
    if (nginx.exitCode === null) await once(nginx, 'exit');
  });
}

interface Delivered {
  decision: string;
  build: string;
}

/** Delivers a push with a key of its own, as GitLab does; a failure is a decision of that name. */
async function deliver(url: string, body: string): Promise<Delivered> {
  const headers = {
    'content-type': 'application/json',
    'x-gitlab-token': 'secret',
    'idempotency-key': crypto.randomUUID(),
  };
  try {
    const answer = await fetch(`${url}/hooks/gitlab`, { method: 'POST', headers, body });
    const { decision = '', build = '' } = (await answer.json()) as Partial<Delivered>;
    return { decision, build };
  } catch (error) {
    return { decision: String(error), build: '' };
  }
}

/** Delivers every 20 ms; `stop` answers what became of each. */
function startStream(url: string, body: string) {
  const underWay: Promise<Delivered>[] = [];
  const timer = setInterval(() => underWay.push(deliver(url, body)), 20);
  const stop = () => {
    clearInterval(timer);
    return Promise.all(underWay);
  };
  onTestFinished(() => void stop());
  return stop;
}

/** All that was ever queued, as text. */
async function readQueue(redis: Redis, install: string): Promise<string> {
  const keys = await redis.keys(`ekiden:${install}:queue:arrivals:*-*-*`);
  const jobs = await Promise.all(keys.map((key) => redis.hget(key, 'data').catch(() => '')));
  return jobs.join('\n');
}

test('no hook is lost while both are restarted, one after the other', async () => {
  const settings = await makeSettings();
  const { EKIDEN_DATA: data = '', EKIDEN_LISTEN: main = '' } = settings;
  const [front = '', spareAddress = ''] = await freeAddresses(2);
  const spareSettings = {
    ...settings,
    EKIDEN_LISTEN: spareAddress,
    EKIDEN_URL: `http://${front}`,
    REDIS_URL: `unix://${data}/redis/redis.sock`,
    REGISTRY_URL: settings['EKIDEN_REGISTRY_LISTEN'] ?? '',
    MARATHON_URL: `http://${settings['EKIDEN_ENGINE_LISTEN']}`,
  };
  let up = await start('first', settings);
  let spare = await start('spare', spareSettings);
  onTestFinished(async () => void (await Promise.all([up.stop(), spare.stop()])));
  await startFront(data, { front, main, spare: spareAddress });
  const url = `http://${front}`;
  await expect.poll(async () => (await fetch(`${url}/healthz`)).ok).toBe(true);

  const body = await read('test/fixtures/gitlab/webhooks/push.json');
  const stop = startStream(url, body);
  expect(await up.stop()).toBe(0);
  up = await start('second', settings);
  expect(await spare.stop()).toBe(0);
  spare = await start('spare', spareSettings);
  const delivered = await stop();

  // The other web may have been sent what the first one had taken already.
  const known = ['queued', 'duplicate'];
  expect(delivered.filter(({ decision }) => !known.includes(decision))).toEqual([]);
  const redis = connectRedis({ url: spareSettings.REDIS_URL });
  onTestFinished(() => redis.disconnect());
  await poll(
    async () => {
      const queue = await readQueue(redis, settings['EKIDEN_INSTALL'] ?? '');
      const lost = delivered.filter(({ build }) => !queue.includes(build)).length;
      if (lost > 0) throw new Error(`${lost} of ${delivered.length} are not queued`);
      return true;
    },
    { within: 30_000, what: 'every delivery queued' },
  );
}, 120_000);
