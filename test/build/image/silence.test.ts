/** Progress that ends, breaks off, or falls silent. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readUntilSilent } from '../../../src/build/image/silence.ts';

async function readAll(messages: AsyncIterable<object>): Promise<object[]> {
  const all: object[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

const image = { id: 'moby.image.id', aux: { ID: 'sha256:1' } };
const last = { stream: 'Successfully tagged x\n' };
const lineOf = (message: object) => `${JSON.stringify(message)}\n`;

describe('readUntilSilent', () => {
  it('reads to the end', async () => {
    const progress = new PassThrough();
    progress.end(lineOf(image) + lineOf(last));
    expect(await readAll(readUntilSilent(progress, 60_000))).toEqual([image, last]);
  });

  it('ends where nothing more comes once the image is made', async () => {
    const progress = new PassThrough();
    progress.write(lineOf(image) + lineOf(last));
    expect(await readAll(readUntilSilent(progress, 20))).toEqual([image, last]);
    expect(progress.destroyed).toBe(true);
  });

  it('takes empty messages for silence', async () => {
    const progress = new PassThrough();
    progress.write(lineOf(image));
    const empty = lineOf({ id: 'moby.buildkit.trace', aux: '' });
    const repeating = setInterval(() => progress.write(empty), 5);
    progress.once('close', () => clearInterval(repeating));
    expect(await readAll(readUntilSilent(progress, 50))).toEqual([image]);
    expect(progress.destroyed).toBe(true);
  });

  it('waits for the image itself as long as it takes', async () => {
    const progress = new PassThrough();
    progress.write(lineOf({ stream: 'begun' }));
    setTimeout(() => progress.end(lineOf(image)), 100);
    expect(await readAll(readUntilSilent(progress, 20))).toHaveLength(2);
  });

  it('passes on that the progress broke off', async () => {
    const progress = new PassThrough();
    progress.write(lineOf(image));
    setTimeout(() => progress.destroy(new Error('reset')), 10);
    await expect(readAll(readUntilSilent(progress, 60_000))).rejects.toThrow('reset');
  });
});
