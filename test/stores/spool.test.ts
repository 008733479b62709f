/** The spool: what was put survives, comes out once and in order, and a broken file harms no other. */
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSpool } from '../../src/stores/spool.ts';
import { makeFolder } from '../support/redis.ts';

const schema = z.object({ text: z.string() });

async function openSpool() {
  const folder = join(await makeFolder(), 'deep/spool');
  const warnings: string[] = [];
  const write = () => undefined;
  const warn = (_: object, message: string) => void warnings.push(message);
  const log = { debug: write, info: write, warn, error: write };
  const open = () => createSpool({ folder, schema, log });
  return { folder, warnings, open, spool: open(), files: () => readdir(folder) };
}

async function takeAll(spool: { drain(take: (item: { text: string }) => Promise<void>): unknown }) {
  const texts: string[] = [];
  await spool.drain(async ({ text }) => void texts.push(text));
  return texts;
}

test('a spool that was never used is empty', async () => {
  const { spool } = await openSpool();
  expect(await spool.drain(() => Promise.reject(new Error('there is nothing')))).toBe(0);
});

test('items come out oldest first, and once', async () => {
  const { spool, open, folder, files } = await openSpool();
  for (const [age, name] of ['b', 'c', 'a'].entries()) {
    await spool.put(name, { text: name });
    await utimes(join(folder, `${name}.json`), age, age);
  }
  expect(await takeAll(open())).toEqual(['b', 'c', 'a']);
  expect(await takeAll(open())).toEqual([]);
  expect(await files()).toEqual([]);
});

test('the first of a name is kept, also when many come at once', async () => {
  const { spool, open, files } = await openSpool();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, number) => open().put('one', { text: String(number) })),
  );
  const [first, ...more] = answers.filter(({ added }) => added);
  expect(more).toEqual([]);
  expect(answers.map(({ kept }) => kept)).toEqual(answers.map(() => first?.kept));
  expect(await files()).toEqual(['one.json']);
  expect(await takeAll(spool)).toEqual([first?.kept.text]);
  expect((await spool.put('one', { text: 'new' })).added).toBe(true);
});

test('what nobody took stays, and those before it are gone', async () => {
  const { spool, folder } = await openSpool();
  for (const [age, name] of ['a', 'b', 'c'].entries()) {
    await spool.put(name, { text: name });
    await utimes(join(folder, `${name}.json`), age, age);
  }
  const taking = spool.drain(async ({ text }) => {
    if (text === 'b') throw new Error('the queue is away again');
  });
  await expect(taking).rejects.toThrow('away again');
  expect(await takeAll(spool)).toEqual(['b', 'c']);
});

test.each([
  ['half written', '{"text":"a'],
  ['empty', ''],
  ['of another shape', '{"words":[]}'],
  ['null', 'null'],
])('a file that is %s is put aside with a warning', async (_, content) => {
  const { spool, folder, warnings, files } = await openSpool();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'broken.json'), content);
  await spool.put('good', { text: 'good' });
  expect(await takeAll(spool)).toEqual(['good']);
  expect(warnings).toEqual(['a file of the spool is broken: it is put aside']);
  expect(await files()).toEqual(['broken.json.broken']);
  expect(await spool.put('broken', { text: 'again' })).toMatchObject({ added: true });
  expect(await takeAll(spool)).toEqual(['again']);
});
