/** What the engine writes: state that survives a kill, output with a bound, sandboxes. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { openCappedFile } from '../../src/engine/capped-file.ts';
import { demultiplexed } from '../../src/engine/output.ts';
import { createSandboxes } from '../../src/engine/sandbox.ts';
import { createStore } from '../../src/engine/store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'engine-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('store', () => {
  it('reads back what was written last, and forgets what is removed', async () => {
    const store = createStore({ folder, log: silent });
    await store.load();
    store.save('a', () => ({ n: 1 }));
    store.save('a', () => ({ n: 2 }));
    store.save('b', () => ({}));
    await store.flush();
    store.save('b', () => undefined);
    await store.flush();
    const read = await createStore({ folder, log: silent }).load();
    expect([...read]).toEqual([['a', { n: 2 }]]);
  });

  it('throws half-written documents away', async () => {
    await writeFile(join(folder, 'a.json.tmp'), '{"n":');
    expect((await createStore({ folder, log: silent }).load()).size).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('capped file', () => {
  it('drops the older half when it is full, and says so', async () => {
    const path = join(folder, 'stdout');
    const file = await openCappedFile(path, 100);
    for (let line = 10; line < 40; line++) await file.append(Buffer.from(`line ${line}\n`));
    await file.close();
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^\[the first \d+ bytes were dropped to bound this file\]\n/);
    expect(text.endsWith('line 38\nline 39\n')).toBe(true);
    expect(text.length).toBeLessThan(160);
  });
});

describe('demultiplexed', () => {
  it('takes frames apart, however they are cut', async () => {
    const frame = (kind: number, text: string) => {
      const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, text.length]);
      return Buffer.concat([header, Buffer.from(text)]);
    };
    const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, ''), frame(1, '!')]);
    for (const size of [1, 3, 9, 100]) {
      const seen: Record<number, string> = { 1: '', 2: '' };
      const sink = demultiplexed(async (kind, chunk) => {
        seen[kind] += String(chunk);
      });
      for (let at = 0; at < bytes.length; at += size) sink.write(bytes.subarray(at, at + size));
      sink.end();
      await finished(sink);
      expect(seen).toEqual({ 1: 'out!', 2: 'err' });
    }
  });
});

describe('sandboxes', () => {
  it('keep the newest twenty dead ones of an app, and all living ones', async () => {
    const root = join(folder, 'sandboxes');
    const names = Array.from({ length: 25 }, (_, n) => `web.instance-${n}._app.1`);
    for (const name of [...names, 'webx.instance-1._app.1']) {
      await mkdir(join(root, name), { recursive: true });
    }
    await createSandboxes(folder).prune(new Set([names[0] ?? '']));
    const left = await readdir(root);
    expect(left).toHaveLength(1 + 20 + 1);
    expect(left).toEqual(expect.arrayContaining([names[0], 'webx.instance-1._app.1']));
  });
});
