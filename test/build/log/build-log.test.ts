/** The log of a build: what legs write, freed of secrets, in one order, also while Redis is away. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import type { LogAddition } from '../../../src/core/build-log.ts';
import { mask } from '../../../src/core/secret.ts';
import { openBuildLogStore, textOfLog } from '../../support/build-logs.ts';
import { useRedis } from '../../support/redis.ts';

const server = useRedis();

async function openLogs() {
  const { store } = await openBuildLogStore(server);
  return { store, logs: createBuildLogs(store), read: () => textOfLog(store, 'b1') };
}

/** What a log of these pieces comes to, in a store that takes all at once. */
async function written(pieces: string[], secrets: string[]): Promise<string> {
  const parts: Buffer[] = [];
  const append = async ({ bytes }: LogAddition) => parts.push(bytes);
  const log = createBuildLogs({ append }).open('b1');
  log.hide(secrets);
  for (const piece of pieces) log.write(piece);
  await log.close();
  return Buffer.concat(parts).toString();
}

describe('the log of a build', () => {
  it('goes on over tries of the build', async () => {
    const { logs, read } = await openLogs();
    for (const text of ['first ', 'second\n']) {
      const log = logs.open('b1');
      log.write(text);
      await log.close();
    }
    expect(await read()).toBe('first \nsecond\n');
  });

  it('is there while more is written, within the time that a person waits', async () => {
    const { logs, read } = await openLogs();
    const log = logs.open('b1');
    log.write('first\n50%\r60%');
    await expect.poll(read).toBe('first\n60%');
    log.write('\r70%\r80%');
    await expect.poll(read).toBe('first\n60%\r80%');
    log.write('\rdone\n');
    await log.close();
    expect(await read()).toBe('first\n60%\r80%\rdone\n');
  });

  it('has the lines of several legs one after the other', async () => {
    const { logs, read } = await openLogs();
    const legs = ['resolve', 'build', 'deploy'];
    await Promise.all(
      legs.map(async (leg) => {
        const log = logs.open('b1');
        for (let line = 0; line < 500; line += 1) log.write(`${leg} ${line}\n`);
        await log.close();
      }),
    );
    const lines = (await read()).trimEnd().split('\n');
    for (const leg of legs) {
      const own = lines.filter((line) => line.startsWith(leg));
      expect(own).toEqual(Array.from({ length: 500 }, (_, line) => `${leg} ${line}`));
    }
  });

  it('has whole characters, whoever goes on between two pieces', async () => {
    const pieces: string[] = [];
    const append = async ({ bytes }: LogAddition) => pieces.push(bytes.toString());
    const log = createBuildLogs({ append }).open('b1');
    const text = `${'駅'.repeat(30_000)}\n${'x'.repeat(64 * 1024)}駅\n`;
    log.write(text);
    await log.close();
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(text);
  });

  it('takes more than fits, of whoever waits for room', async () => {
    const { logs, store } = await openLogs();
    const log = logs.open('b1');
    const piece = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 30; count += 1) {
      log.write(piece);
      await log.room();
    }
    await log.close();
    expect((await store.state('b1')).size).toBe(30 * piece.length);
  });
});

test('a note of any length can be read, and is kept once', async () => {
  const { logs, read } = await openLogs();
  const text = `${'a warning 駅\n'.repeat(200_000)}the end\n`;
  for (let count = 0; count < 2; count += 1) await logs.note('b1', { key: 'resolved', text });
  expect(await read()).toBe(text);
});

describe('a Redis that is away', () => {
  it('gets what was written meanwhile', async () => {
    const { logs, read } = await openLogs();
    const log = logs.open('b1');
    log.write('before\n');
    await expect.poll(read).toBe('before\n');
    await server.stop();
    log.write('away\n');
    await log.room();
    await server.start();
    await expect.poll(() => read().catch(() => '')).toBe('before\naway\n');
    await log.close();
  });

  it('keeps nobody waiting, and what was too much is told', async () => {
    const { logs, read } = await openLogs();
    const log = logs.open('b1');
    await server.stop();
    const piece = `${'x'.repeat(1024 * 1024 - 1)}\n`;
    for (let count = 0; count < 20; count += 1) {
      log.write(piece);
      await log.room();
    }
    await server.start();
    await expect.poll(() => read().catch(() => '')).toMatch(/x\n$/);
    log.write('behind\n');
    await log.close();
    const text = await read();
    const lost = Number(
      /\[(\d+) bytes are missing here: Redis did not take them\]/.exec(text)?.[1],
    );
    expect(lost).toBeGreaterThan(10 * piece.length);
    expect(text.replace(/\n\[.*\]\n/, '').length).toBe(
      20 * piece.length - lost + 'behind\n'.length,
    );
  });

  it('does not keep the end of a build', async () => {
    const { logs } = await openLogs();
    const log = logs.open('b1');
    await server.pause();
    log.write('nobody reads this\n');
    await log.close();
    log.write('nor this\n');
    await server.resume();
  });
});

describe('secrets', () => {
  const secrets = ['hunter2-駅伝-hunter2', 'open-sesame', '0123456789abcdef'];

  it('are taken out from when they are known', async () => {
    const { logs, read } = await openLogs();
    const log = logs.open('b1');
    log.write('open-sesame\n');
    log.hide(['open-sesame']);
    log.write('an open-se');
    log.hide(['hunter2-駅伝-hunter2']);
    log.write('ason\nan open-ses');
    log.write('ame, hunter2-駅伝-hunter2, op');
    await log.close();
    expect(await read()).toBe('open-sesame\nan open-season\nan [REDACTED], [REDACTED], op');
  });

  it('are taken out also where something stood within them that is left out', async () => {
    expect(await written(['open\x00-ses', '\x1b[2Came\n'], secrets)).toBe('[REDACTED]\n');
  });

  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...secrets, '\r', '\n', '\x1b[31m', '\x00', 'open-', 'sesame', '駅伝-'),
  );

  it('are the same in whatever pieces a text comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(part)), async (groups) => {
        const pieces = groups.map((parts) => parts.join(''));
        const whole = await written([pieces.join('')], secrets);
        expect(await written(pieces, secrets)).toBe(whole);
        expect(mask(whole, secrets)).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });
});
