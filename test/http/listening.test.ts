/** How a server ends: what came before is answered, and no kept connection goes on meanwhile. */
import { once } from 'node:events';
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/listening.ts';

/** A server that answers at once, but for `/held…`, whose answers wait in `held` by their path. */
async function start() {
  const held = new Map<string, ServerResponse>();
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/held')) held.set(url, response);
    else response.end('now');
  });
  onTestFinished(() => server.closeAllConnections());
  const { port, stop } = await listen(server, { address: '127.0.0.1:0', setting: 'none' });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const ask = async (path: string): Promise<string> => {
    const [answer] = await once(get({ port, agent, path }), 'response');
    return Buffer.concat(await answer.toArray()).toString();
  };
  const isHeld = (path: string) => expect.poll(() => held.has(path)).toBe(true);
  return { port, stop, held, ask, isHeld };
}

it('keeps connections for longer than clients and proxies do', async () => {
  const { port } = await start();
  const { headers } = await fetch(`http://127.0.0.1:${port}/`);
  expect(headers.get('keep-alive')).toBe('timeout=75');
});

it('leaves no client that asks again and again over a connection that it keeps', async () => {
  const { stop, held, ask, isHeld } = await start();
  const slow = ask('/held');
  await isHeld('/held');
  let answered = 0;
  const asking = (async () => {
    for (; ; answered += 1) await ask('/');
  })();
  await expect.poll(() => answered).toBeGreaterThan(0);

  const closed = stop();
  await expect(asking).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
  held.get('/held')?.end('whole');
  expect(await slow).toBe('whole');
  await closed;
});

it('ends the connection of an answer that had begun, while another still waits', async () => {
  const { stop, held, ask, isHeld } = await start();
  const [slow, begun] = [ask('/held'), ask('/held/begun')];
  await Promise.all([isHeld('/held'), isHeld('/held/begun')]);
  const answer = held.get('/held/begun');
  answer?.flushHeaders();

  const closed = stop();
  const socket = answer?.socket;
  answer?.end('begun');
  expect(await begun).toBe('begun');
  await expect.poll(() => socket?.destroyed).toBe(true);
  held.get('/held')?.end('whole');
  expect(await slow).toBe('whole');
  await closed;
});

it('waits for no connection that never said anything', async () => {
  const { port, stop, held, ask, isHeld } = await start();
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const slow = ask('/held');
  await isHeld('/held');

  const closed = stop();
  await once(silent, 'close');
  held.get('/held')?.end('whole');
  expect(await slow).toBe('whole');
  await closed;
});
