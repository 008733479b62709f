/** Frames for clients that are slower than the log. */
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { sendFrame } from '../../src/http/frames.ts';

/** A socket whose client has not taken so many bytes yet, and takes them when the test says so. */
function slowSocket(bufferedAmount: number) {
  let take = () => {};
  const send = (_: Buffer, taken: () => void) => {
    take = taken;
  };
  const socket = { OPEN: 1, readyState: 1, bufferedAmount, send } as unknown as WebSocket;
  return { socket, take: () => take() };
}

const frame = { type: 'data', bytes: Buffer.from('a line\n') } as const;

test.each([
  [64 * 1024 - 1, true],
  [64 * 1024, false],
])('where %i bytes wait, more is read at once: %s', async (waiting, goesOn) => {
  const { socket, take } = slowSocket(waiting);
  let isDone = false;
  const sending = sendFrame(socket, frame, new AbortController().signal).finally(() => {
    isDone = true;
  });
  await new Promise((wake) => setImmediate(wake));
  expect(isDone).toBe(goesOn);
  take();
  expect(await sending).toBe(!goesOn);
});

test('whoever leaves is not waited for', async () => {
  const { socket } = slowSocket(1024 * 1024);
  const leaving = new AbortController();
  const sending = sendFrame(socket, frame, leaving.signal);
  leaving.abort();
  expect(await sending).toBe(false);
});
