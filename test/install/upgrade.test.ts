/** An upgrade as docs/operations.md has it, under a stream of hooks: every one is taken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
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
  key: string;
  status: number;
  decision: string;
}

/** Delivers a push with this key, as GitLab does. */
async function deliver(url: string, body: string, key: string): Promise<Delivered> {
  const headers = {
    'content-type': 'application/json',
    'x-gitlab-token': 'secret',
    'idempotency-key': key,
  };
  const answer = await fetch(`${url}/hooks/gitlab`, { method: 'POST', headers, body });
  const { decision = '' } = (await answer.json()) as { decision?: string };
  return { key, status: answer.status, decision };
}

/** Delivers every 20 ms; `stop` answers what became of each, a failure as status 0. */
function startStream(url: string, body: string) {
  const underWay: Promise<Delivered>[] = [];
  const timer = setInterval(() => {
    const key = crypto.randomUUID();
    const lost = (error: Error) => ({ key, status: 0, decision: error.message });
    underWay.push(deliver(url, body, key).catch(lost));
  }, 20);
  const stop = () => {
    clearInterval(timer);
    return Promise.all(underWay);
  };
  onTestFinished(() => void stop());
  return stop;
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
  await vi.waitFor(() => fetch(`${url}/healthz`), { timeout: 10_000 });

  const body = await read('test/fixtures/gitlab/webhooks/push.json');
  const stop = startStream(url, body);
  expect(await up.stop()).toBe(0);
  up = await start('second', settings);
  expect(await spare.stop()).toBe(0);
  spare = await start('spare', spareSettings);
  const delivered = await stop();

  expect(delivered.filter(({ decision }) => decision !== 'queued')).toEqual([]);
  for (const { key } of delivered) {
    const again = await deliver(url, body, key);
    expect(again).toEqual({ key, status: 200, decision: 'duplicate' });
  }
}, 120_000);
