/** A sandbox on the disk with log files over it, and a follower whose frames are kept. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Follow, LogFiles, LogFrame } from '../../src/core/log-file.ts';
import type { NodeInstance } from '../../src/core/node.ts';
import { createLogFiles } from '../../src/logs/log-files.ts';

export const instance = 'shop_production_web.instance-11111111-1111-1111-1111-111111111111._app.1';

export interface Sandbox {
  /** The folder of the instance. */
  folder: string;
  logFiles: LogFiles;
  instance: NodeInstance;
}

export async function makeSandbox(): Promise<Sandbox> {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'logs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'logs'));
  const known: NodeInstance = {
    id: instance,
    app: '/shop/production/web',
    sandbox: folder,
    folders: ['logs'],
    running: { id: 'c1', pid: 1, hasOwnNetwork: true },
  };
  const find = async (id: string) => (id === instance ? known : undefined);
  return { folder, logFiles: createLogFiles({ find }), instance: known };
}

/** Marks the instance as ended long ago. */
export function end(known: NodeInstance): void {
  delete known.running;
  known.endedAt = Date.now() - 60_000;
}

export interface Following {
  frames: LogFrame[];
  /** All bytes so far. */
  text(): string;
  stop(): Promise<void>;
  /** Resolves when the follower said that it ends. */
  done: Promise<void>;
}

/** Reads frames as they come until the test is over. */
export function follow(
  logFiles: LogFiles,
  path: string,
  from: Partial<Omit<Follow, 'signal'>> = {},
): Following {
  const stopping = new AbortController();
  const frames: LogFrame[] = [];
  const read = async () => {
    const following = logFiles.follow(instance, path, { ...from, signal: stopping.signal });
    for await (const frame of following) frames.push(frame);
  };
  const done = read();
  done.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await done;
  };
  onTestFinished(() => stopping.abort());
  return { frames, text: () => textOf(frames), stop, done };
}

export function bytesOf(frames: readonly LogFrame[]): Buffer {
  return Buffer.concat(frames.map((frame) => (frame.type === 'data' ? frame.bytes : Buffer.of())));
}

export function textOf(frames: readonly LogFrame[]): string {
  return bytesOf(frames).toString();
}

/** The frames without bytes, each data frame as its length. */
export function outline(frames: readonly LogFrame[]): string[] {
  return frames.map((frame) => (frame.type === 'data' ? `${frame.bytes.length}` : frame.type));
}

/** Polls until `check` is true; fails with what it saw last. */
export async function until(check: () => unknown, patience = 25_000): Promise<void> {
  const giveUp = Date.now() + patience;
  for (;;) {
    const seen = await check();
    if (seen === true) return;
    if (Date.now() > giveUp) throw new Error(`still not so: ${check}; saw ${JSON.stringify(seen)}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}
