/** What many consumers, and slow ones, cost the event stream. */
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createEventStream, type EventStream } from '../../src/engine/api/event-stream.ts';
import { until } from './harness.ts';

async function start(): Promise<{ stream: EventStream; open: () => Socket }> {
  const stream = createEventStream();
  const server = createServer((request, response) => stream.attach(request, response, ['told']));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    stream.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    stream,
    open: () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      sockets.push(socket);
      return socket;
    },
  };
}

it.each([
  ['small', 200],
  ['large', 100_000],
])('closes a consumer that does not read %s events, and no other', async (_size, bytes) => {
  const { stream, open } = await start();
  open().pause();
  open().resume();
  await until(() => stream.stats().active === 2);
  const text = 'x'.repeat(bytes);
  await until(async () => {
    for (let n = 0; n < 1000 && stream.stats().active === 2; n++) {
      stream.publish('told', { text });
      // The one that reads gets the time to.
      if (n % 10 === 0) await turn();
    }
    return stream.stats().active === 1;
  });
});

it('tells 300 consumers, and has none once they are gone', async () => {
  const { stream, open } = await start();
  const sockets = Array.from({ length: 300 }, open);
  const seen = new Set<Socket>();
  for (const socket of sockets) {
    socket.on('data', (chunk) => String(chunk).includes('event: told') && seen.add(socket));
  }
  await until(() => stream.stats().active === 300);
  stream.publish('told', {});
  stream.publish('not wanted', {});
  await until(() => seen.size === 300);
  for (const socket of sockets) socket.destroy();
  await until(() => stream.stats().active === 0);
  expect(stream.isFull).toBe(false);
});
