/** Bytes of a log for clients that do not read them. */
import { Writable } from 'node:stream';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { serveBytes } from '../../src/http/bytes.ts';

test('who does not read has little kept for it, and is given up', async () => {
  let [read, isClosed] = [0, false];
  async function* bytes() {
    try {
      for (; read < 100; read += 1) yield Buffer.alloc(64 * 1024);
    } finally {
      isClosed = true;
    }
  }
  let giveUp = () => {};
  const response = Object.assign(new Writable({ write: () => undefined }), {
    set: () => undefined,
    get: () => undefined,
    setTimeout: (_milliseconds: number, onTimeout: () => void) => {
      giveUp = onTimeout;
    },
  });
  const file = { path: 'log', size: 100 * 64 * 1024, modifiedAt: 1 };
  const serving = serveBytes({
    request: { method: 'GET', headers: {}, range: () => undefined } as unknown as Request,
    response: response as unknown as Response,
    type: 'text/plain',
    size: async () => file.size,
    open: async () => ({ file, identity: 'i', bytes: bytes() }),
  });
  await expect.poll(() => response.writableLength).toBeGreaterThan(0);
  await new Promise((wake) => setImmediate(wake));
  expect(read).toBeLessThan(4);
  giveUp();
  await serving;
  expect(isClosed).toBe(true);
});
