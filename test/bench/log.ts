/** Measures the log of a build: 100 MB through masking, compression and Redis, and back to a reader. */
import { setTimeout as delay } from 'node:timers/promises';
import { createBuildLogs } from '../../src/build/log/build-log.ts';
import { connectRedis } from '../../src/clients/redis.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { followBuildLog } from '../../src/logs/build-log.ts';
import { createBuildLogStore } from '../../src/stores/build-logs.ts';
import { forgetPeak, peakOf, rssOf } from './measure.ts';
import type { Bench, Row } from './stage.ts';

const megabyte = 1_000_000;
const size = 100 * megabyte;

/** Lines as npm and compilers print them, with colours, a bar of progress and a secret. */
function* output(): Generator<string> {
  for (let written = 0, line = 0; written < size; line += 1) {
    const parts = Array.from({ length: 40 }, (_, at) => {
      const id = ((line * 40 + at) * 2_654_435_761) % 4_294_967_296;
      return `\x1b[32mnpm\x1b[0m http fetch GET 200 https://registry.test/-/${id.toString(36)} ${id % 997}ms\n`;
    });
    const text = `${parts.join('')}${line % 100}% [====>   ]\rlogin with hunter2-hunter2\r\n`;
    written += Buffer.byteLength(text);
    yield text;
  }
}

export async function measureLog({ data }: Bench): Promise<Row[]> {
  const server = await startRedis({ data, env: { PATH: process.env['PATH'] }, log: silent });
  const [patient, redis] = [connectRedis(server), connectRedis({ ...server, whenAway: 'fail' })];
  const budget = 512 * 1024 * 1024;
  const store = createBuildLogStore({ redis, patient, prefix: 'bench', budget, seconds: 600 });
  try {
    await patient.ping();
    const before = await rssOf(process.pid);
    await forgetPeak(process.pid);
    const wrote = await write(createBuildLogs(store));
    const read = await readAll(store);
    const growth = (await peakOf(process.pid)) - before;
    const kept = Number(await patient.get('bench:build-logs:weight'));
    const { size: said } = await store.state('b1');
    const mb = (bytes: number) => `${(bytes / megabyte).toFixed(0)} MB`;
    return [
      row('100 MB into the log of a build', `${(size / megabyte / wrote).toFixed(0)} MB/s`),
      row('… out of it to one who follows', `${(said / megabyte / read).toFixed(0)} MB/s`),
      row('… growth of the process meanwhile', mb(growth)),
      row('… kept compressed', `${mb(kept)} of ${mb(said)} (${(said / kept).toFixed(1)} to 1)`),
    ];
  } finally {
    await store.close();
    patient.disconnect();
    redis.disconnect();
    await server.stop();
  }
}

function row(what: string, measured: string): Row {
  return { what, measured, aim: '–' };
}

/** Seconds to write all. */
async function write(logs: ReturnType<typeof createBuildLogs>): Promise<number> {
  const start = performance.now();
  const log = logs.open('b1');
  log.hide(['hunter2-hunter2', 'open-sesame-42']);
  let count = 0;
  for (const text of output()) {
    log.write(text);
    await log.room();
    // A builder gives others a turn as well, since it waits for its daemon.
    if (++count % 100 === 0) await delay(0);
  }
  await log.close();
  return (performance.now() - start) / 1_000;
}

/** Seconds to read all. */
async function readAll(store: ReturnType<typeof createBuildLogStore>): Promise<number> {
  const start = performance.now();
  const { size: end } = await store.state('b1');
  const { signal } = new AbortController();
  const isOver = async () => true;
  let bytes = 0;
  for await (const frame of followBuildLog({ store, build: 'b1', from: 0, isOver, signal })) {
    if (frame.type === 'data') bytes += frame.bytes.length;
    if (bytes >= end) break;
  }
  return (performance.now() - start) / 1_000;
}
