/** Whether the roles on this machine are well, as their own processes say every few seconds. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../src/core/errors.ts';
import type { Log } from '../src/core/log.ts';
import type { Runner } from './runner.ts';

const sayEvery = 5_000;

/** Three words that did not come: an event loop that hangs says nothing either. */
const silenceLimit = 3 * sayEvery;

const wordSchema = z.object({ at: z.number(), redis: z.boolean() });

export interface HeartbeatOptions {
  /** The data folder. */
  data: string;
  roles: readonly string[];
  isReady: () => Promise<boolean>;
  log: Log;
}

/** Writes `<data>/run/<role>.<host>.health` for each role until it is stopped. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Runner> {
  const { data, roles, isReady, log } = options;
  const files = roles.map((role) => fileOf(data, role));
  await mkdir(join(data, 'run'), { recursive: true });
  const say = async () => {
    const text = JSON.stringify({ at: Date.now(), redis: await isReady() });
    await Promise.all(files.map((file) => replace(file, text)));
  };
  const sayOrWarn = () =>
    say().catch((error) => log.warn({ error: messageOf(error) }, 'health cannot be written'));
  await sayOrWarn();
  let saying = Promise.resolve();
  const timer = setInterval(() => {
    saying = saying.then(sayOrWarn);
  }, sayEvery);
  return {
    async stop() {
      clearInterval(timer);
      await saying;
      await Promise.all(files.map((file) => rm(file, { force: true })));
    },
  };
}

/** What is wrong with a role on this host, in one sentence; undefined when it is well. */
export async function faultOf(data: string, role: string): Promise<string | undefined> {
  const text = await readFile(fileOf(data, role), 'utf8').catch(() => undefined);
  if (text === undefined) return `${role} does not run here with the data folder ${data}.`;
  const { at, redis } = wordSchema.parse(JSON.parse(text));
  const silent = Date.now() - at;
  if (silent > silenceLimit) return `${role} has said nothing for ${Math.round(silent / 1000)} s.`;
  return redis ? undefined : `${role} gets no answer from Redis.`;
}

/** Containers that share a data folder have host names of their own. */
function fileOf(data: string, role: string): string {
  return join(data, 'run', `${role}.${hostname()}.health`);
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
