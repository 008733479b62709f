/** What is lost when a web role is killed while deliveries come in: alone, and one of two behind nginx. */
import { type ChildProcess, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis } from '../../src/clients/redis.ts';
import { poll } from '../demo/poll.ts';
import { forEkiden, keyOf } from './deliveries.ts';
import { isTaken, type Outcome, sendAll, sendSteadily } from './load.ts';
import {
  awaitListening,
  type Bench,
  freeAddress,
  openRedis,
  type RolesOptions,
  type Row,
  type Served,
  type Stop,
  startRolesProcess,
  stopAll,
} from './stage.ts';

const perSecond = 200;
const count = 10 * perSecond;
const killedAfter = 4_000;

export async function measureLoss(bench: Bench): Promise<Row[]> {
  const redis = await openRedis(join(bench.data, 'loss'));
  try {
    return [...(await killTheOnlyOne(bench, redis.url)), ...(await killOneOfTwo(bench, redis.url))];
  } finally {
    await redis.stop();
  }
}

async function killTheOnlyOne(bench: Bench, redis: string): Promise<Row[]> {
  const options = { bench, name: 'alone', roles: ['web'], redis, listen: await freeAddress() };
  const stops: Stop[] = [];
  const start = async () => {
    const web = await startRolesProcess(options);
    stops.push(web.stop);
    return web;
  };
  try {
    const web = await start();
    const run = { url: `${web.url}/hooks/gitlab`, series: 'alone', victim: web };
    const outcomes = await sendAndKill(run, start);
    const lost = await countLost({ ...run, redis, outcomes, keptBy: [options] });
    const taken = outcomes.filter(isTaken).length;
    const what = 'web killed in the middle';
    return [
      { what: `${what}: answered 2xx`, measured: `${taken} of ${count}`, aim: '' },
      { what: `${what}: of those lost`, measured: String(lost), aim: '0' },
    ];
  } finally {
    await stopAll(stops);
  }
}

async function killOneOfTwo(bench: Bench, redis: string): Promise<Row[]> {
  const common = { bench, roles: ['web'], redis };
  const [first, second] = [
    { ...common, name: 'first' },
    { ...common, name: 'second' },
  ];
  const stops: Stop[] = [];
  const start = async (each: RolesOptions) => {
    const web = await startRolesProcess(each);
    stops.push(web.stop);
    return web;
  };
  try {
    const victim = await start(first);
    const nginx = await startNginx(bench, [victim, await start(second)]);
    stops.push(nginx.stop);
    const run = { url: `${nginx.url}/hooks/gitlab`, series: 'pair', victim };
    const outcomes = await sendAndKill(run);
    // What the victim had put on its disk, since Redis was slow, follows when it is back.
    await start({ ...first, listen: new URL(victim.url).host });
    const lost = await countLost({ ...run, redis, outcomes, keptBy: [first, second] });
    const missed = outcomes.filter((outcome) => !isTaken(outcome)).length;
    const what = 'one of two webs behind nginx killed';
    return [
      { what: `${what}: not answered 2xx`, measured: `${missed} of ${count}`, aim: '0' },
      { what: `${what}: lost`, measured: String(lost), aim: '0' },
    ];
  } finally {
    await stopAll(stops);
  }
}

interface Run {
  url: string;
  series: string;
  victim: Served;
}

/** Sends steadily and ends the victim in the middle, with `afterwards` following at once. */
async function sendAndKill(
  { url, series, victim }: Run,
  afterwards?: () => Promise<unknown>,
): Promise<Outcome[]> {
  await sendAll({ url, shot: forEkiden(`${series}-warm-up`), count: 2_000, connections: 10 });
  const sending = sendSteadily({ url, shot: forEkiden(series), perSecond, count });
  await delay(killedAfter);
  await victim.kill();
  await afterwards?.();
  return await sending;
}

/** Of what was answered 2xx, what the queue does not know: it keeps the hash of each key for a day. */
async function countLost(options: {
  redis: string;
  series: string;
  outcomes: Outcome[];
  keptBy: RolesOptions[];
}): Promise<number> {
  await Promise.all(options.keptBy.map(awaitEmptySpool));
  const taken = options.outcomes.flatMap((outcome, n) => (isTaken(outcome) ? [n] : []));
  const redis = connectRedis({ url: options.redis });
  try {
    const install = options.keptBy[0]?.bench.install;
    const known = await Promise.all(
      taken.map(async (n) => {
        const id = hash('sha256', `key ${keyOf(options.series, n)}`, 'hex');
        return await redis.exists(`ekiden:${install}:queue:arrivals:de:${id}`);
      }),
    );
    return known.filter((count) => count === 0).length;
  } finally {
    redis.disconnect();
  }
}

/** What waits on the disk is not lost, but unknown to the queue until it was moved there. */
async function awaitEmptySpool({ bench, name }: RolesOptions): Promise<void> {
  const isEmpty = async () => {
    const files = await readdir(join(bench.data, name, 'spool')).catch(() => []);
    return files.some((file) => file.endsWith('.json')) ? undefined : true;
  };
  await poll(isEmpty, { within: 30_000, what: 'an empty spool' });
}

/** What docs/operations.md says about hooks: the second web takes what the first did not answer. */
function nginxConfig(data: string, listen: string, webs: Served[]): string {
  const servers = webs.map(({ url }) => `server ${new URL(url).host} max_fails=0`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  // Bodies wait in the bench's folder, which lies where only the user of the bench may enter.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `daemon off; ${user} worker_processes 1; pid ${data}/nginx.pid; error_log ${data}/error.log;
events {}
http {
  access_log off;
  ${temporary.map((kind) => `${kind}_temp_path ${data}/${kind};`).join(' ')}
  upstream ekiden { ${servers.join('; ')} backup; }
  server {
    listen ${listen};
    client_max_body_size 26m;
    location /hooks/ {
      proxy_pass http://ekiden;
      proxy_set_header Host $http_host;
      proxy_next_upstream error timeout non_idempotent;
      proxy_connect_timeout 2s;
    }
  }
}
`;
}

async function startNginx(bench: Bench, webs: Served[]) {
  const data = join(bench.data, 'nginx');
  await mkdir(data, { recursive: true });
  const listen = await freeAddress();
  const file = join(data, 'nginx.conf');
  await writeFile(file, nginxConfig(data, listen, webs));
  const child = spawn('nginx', ['-e', join(data, 'error.log'), '-c', file], {
    stdio: 'ignore',
    env: { PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  const stop = () => end(child);
  await awaitListening(listen).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url: `http://${listen}`, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGQUIT');
  const cut = setTimeout(() => child.kill('SIGTERM'), 5_000);
  await exited;
  clearTimeout(cut);
}
