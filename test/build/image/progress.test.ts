/** The JSON lines of dockerd, however they are cut up on the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestIn, failureIn, imageIn, readProgress } from '../../../src/build/image/progress.ts';
import { RemoteError } from '../../../src/core/errors.ts';

async function* piecesOf(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function read(text: string | Buffer, sizes: number[] = []) {
  const messages = [];
  for await (const message of readProgress(piecesOf(Buffer.from(text), sizes))) {
    messages.push(message);
  }
  return messages;
}

const lines =
  '{"stream":"Step 1/2 : FROM x\\n"}\r\n{"stream":"héllo 漢字 🚀\\n"}\n\n{"aux":{"ID":"sha256:1"}}\n';
const messages = [
  { stream: 'Step 1/2 : FROM x\n' },
  { stream: 'héllo 漢字 🚀\n' },
  { aux: { ID: 'sha256:1' } },
];

describe('readProgress', () => {
  it('reads one message a line', async () => {
    expect(await read(lines)).toEqual(messages);
  });

  it('puts lines and characters together that were cut anywhere', async () => {
    const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        expect(await read(lines, cuts)).toEqual(messages);
      }),
    );
  });

  it('takes a last line without an end', async () => {
    expect(await read('{"stream":"a"}\n{"stream":"b"}')).toEqual([
      { stream: 'a' },
      { stream: 'b' },
    ]);
    expect(await read('')).toEqual([]);
  });

  it.each([
    ['no JSON', '{"stream":"a"}\n<html>gateway</html>\n', /no progress: <html>gateway/],
    ['no object', '17\n', /no progress: 17/],
    ['an object of another kind', '{"stream":17}\n', /no progress/],
    ['half a message', '{"stream":"a', /no progress: \{"stream":"a/],
    ['half a character', Buffer.from('{"stream":"é"}').subarray(0, 12), /no progress/],
  ])('refuses %s', async (_, text, message) => {
    const failure = await read(text).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toHaveProperty('message', expect.stringMatching(message));
  });

  it('gives up on a line without an end', async () => {
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 1;
        yield Buffer.alloc(64 * 1024, 'x');
      }
    }
    const reading = readProgress(endless());
    await expect(reading.next()).rejects.toBeInstanceOf(RemoteError);
    expect(sent).toBeLessThan(2_000);
  });
});

describe('failureIn', () => {
  it.each([
    [{ errorDetail: { code: 1, message: 'detail' }, error: 'short' }, 'detail'],
    [{ error: 'short' }, 'short'],
    [{ errorDetail: {} }, 'unknown error'],
    [{ stream: 'error: but only as text' }, undefined],
  ])('%j', (message, wanted) => {
    expect(failureIn(message)).toBe(wanted);
  });
});

describe('aux', () => {
  it.each([
    [{ aux: { ID: 'sha256:1' } }, 'sha256:1', undefined],
    [{ id: 'moby.image.id', aux: { ID: 'sha256:2' } }, 'sha256:2', undefined],
    [{ aux: { Tag: 'one', Digest: 'sha256:3' } }, undefined, 'sha256:3'],
    [{ id: 'moby.buildkit.trace', aux: 'CgA=' }, undefined, undefined],
    [{}, undefined, undefined],
  ])('%j', (message, image, digest) => {
    expect([imageIn(message), digestIn(message)]).toEqual([image, digest]);
  });
});
