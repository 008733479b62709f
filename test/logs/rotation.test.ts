/** Every way in which log files are rotated: a follower loses nothing, and gets nothing twice. */
import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { copyFile, mkdir, open, rename, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openCappedFile } from '../../src/engine/sandbox/capped-file.ts';
import { follow, makeSandbox, until } from './rig.ts';

/** Writes numbered lines, into a file that it opens again only when asked to. */
function createWriter(path: string) {
  let fd = openSync(path, 'a');
  let next = 0;
  return {
    write(count: number): void {
      const lines = Array.from({ length: count }, () => lineOf(next++));
      writeSync(fd, lines.join(''));
    },
    reopen(): void {
      closeSync(fd);
      fd = openSync(path, 'a');
    },
    close: () => closeSync(fd),
    get written() {
      return next;
    },
  };
}

function lineOf(number: number): string {
  return `line ${String(number).padStart(7, '0')} of a log that is rotated again and again\n`;
}

type Writer = ReturnType<typeof createWriter>;
/** `allRead` waits until the follower has what was written, which a truncation would take from it. */
type Case = (writer: Writer, path: string, allRead: () => Promise<void>) => Promise<void>;

/** Delays between two steps stand for the time that a writer takes; nothing is measured by them. */
const cases: Record<string, Case> = {
  async 'rename and create, the writer goes on in the old file for a while'(writer, path) {
    writer.write(500);
    await rename(path, `${path}.1`);
    await writeFile(path, '');
    writer.write(250);
    await delay(50);
    writer.write(250);
    writer.reopen();
    writer.write(500);
  },
  async 'the same, with a writer that takes long'(writer, path) {
    writer.write(300);
    await rename(path, `${path}.1`);
    await writeFile(path, '');
    await delay(600);
    writer.write(300);
    await delay(600);
    writer.write(300);
    writer.reopen();
    writer.write(300);
  },
  async 'two rotations at once'(writer, path) {
    writer.write(200);
    await delay(30);
    await rename(path, `${path}.1`);
    writer.reopen();
    writer.write(100);
    await rename(`${path}.1`, `${path}.2`);
    await rename(path, `${path}.1`);
    writer.reopen();
    writer.write(100);
  },
  async 'five rotations one after the other'(writer, path) {
    for (let round = 0; round < 5; round += 1) {
      writer.write(100);
      for (let old = round; old > 0; old -= 1) await rename(`${path}.${old}`, `${path}.${old + 1}`);
      await rename(path, `${path}.1`);
      writer.reopen();
      await delay(round * 10);
    }
    writer.write(100);
  },
  async 'copy and truncate, before all was read'(writer, path, allRead) {
    writer.write(500);
    await allRead();
    writer.write(500);
    await copyFile(path, `${path}.1`);
    await truncate(path);
    writer.write(500);
  },
  async 'copy and truncate, then rename'(writer, path, allRead) {
    writer.write(100);
    await allRead();
    await copyFile(path, `${path}.1`);
    await truncate(path);
    writer.write(100);
    await allRead();
    await rename(path, `${path}.2`);
    writer.reopen();
    writer.write(100);
  },
  async 'truncated, and at once longer than before'(writer, path, allRead) {
    writer.write(100);
    await allRead();
    await truncate(path);
    writer.write(300);
  },
  async 'removed and made again'(writer, path) {
    writer.write(100);
    await delay(50);
    await unlink(path);
    writer.write(100);
    writer.reopen();
    writer.write(100);
  },
};

test.each(Object.entries(cases))('%s', async (_name, run) => {
  const { folder, logFiles } = await makeSandbox();
  const path = join(folder, 'logs/app.log');
  const writer = createWriter(path);
  const following = follow(logFiles, 'logs/app.log');
  await until(() => following.frames.length > 0);
  const allRead = () => {
    const bytes = writer.written * lineOf(0).length;
    return until(() => following.text().length >= bytes);
  };
  await run(writer, path, allRead);
  const wanted = Array.from({ length: writer.written }, (_, number) => lineOf(number));
  await allRead();
  // Time for what would come twice.
  appendFileSync(path, 'the end\n');
  await until(() => following.text().endsWith('the end\n'));
  const lines = following.text().split(/(?<=\n)/);
  expect(lines.length).toBe(wanted.length + 1);
  expect(lines.slice(0, -1).sort()).toEqual(wanted);
  writer.close();
});

test('a file that is made later is read from its start, whatever was asked for', async () => {
  const { folder, logFiles } = await makeSandbox();
  const following = follow(logFiles, 'logs/later/app.log', { from: -10 });
  await delay(20);
  await mkdir(join(folder, 'logs/later'));
  await writeFile(join(folder, 'logs/later/app.log'), 'all of the first words');
  await until(() => following.text() === 'all of the first words');
  expect(following.frames[0]).toMatchObject({ type: 'position', offset: 0 });
  expect(following.frames.some(({ type }) => type === 'rotated')).toBe(false);
});

test('bytes come as they are: a long line, no UTF-8, zeros, a character in two writes', async () => {
  const { folder, logFiles } = await makeSandbox();
  const path = join(folder, 'stdout');
  await writeFile(path, '');
  const following = follow(logFiles, 'stdout');
  const parts = [
    Buffer.alloc(10 * 1024 * 1024, 'x'),
    Buffer.from([0xff, 0xfe, 0, 0, 0xc3]),
    Buffer.from([0xa9, 0x0a]),
  ];
  const file = await open(path, 'a');
  for (const part of parts) await file.write(part);
  await file.close();
  const wanted = Buffer.concat(parts);
  await until(
    () => following.frames.reduce((sum, frame) => sum + sizeOf(frame), 0) >= wanted.length,
  );
  const got = following.frames.flatMap((frame) => (frame.type === 'data' ? [frame.bytes] : []));
  expect(Buffer.concat(got).equals(wanted)).toBe(true);
});

test('an output file that the engine cuts goes on where it was', async () => {
  const { folder, logFiles } = await makeSandbox();
  const path = join(folder, 'stdout');
  const capped = await openCappedFile(path, 100_000);
  const following = follow(logFiles, 'stdout');
  const wanted = Array.from({ length: 10_000 }, (_, number) => lineOf(number));
  for (let at = 0; at < wanted.length; at += 100) {
    await capped.append(Buffer.from(wanted.slice(at, at + 100).join('')));
    // One cut at a time: two would take what nobody has seen.
    if (at % 500 === 0) await until(() => following.text().endsWith(lineOf(at + 99)));
  }
  await capped.close();
  await until(() => following.text().length >= wanted.join('').length);
  expect(following.text()).toBe(wanted.join(''));
  expect(following.frames.filter(({ type }) => type === 'rotated').length).toBeGreaterThan(3);
});

function sizeOf(frame: { type: string; bytes?: unknown }): number {
  return frame.type === 'data' ? (frame.bytes as Buffer).length : 0;
}
