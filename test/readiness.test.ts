/** What /readyz is told of the parts. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checksOf, createReadiness } from '../src/readiness.ts';

const never = () => new Promise<undefined>(() => undefined);
const fails = async () => Promise.reject(new Error('refused'));

test('each part is told on its own, also one that never answers', async () => {
  const readiness = createReadiness(
    { redis: async () => undefined, gitlab: async () => 'version 18.3.0', a: fails, b: never },
    ['redis'],
  );
  expect(await readiness()).toEqual({
    ready: true,
    parts: {
      redis: { state: 'up' },
      gitlab: { state: 'up', detail: 'version 18.3.0' },
      a: { state: 'down', detail: 'refused' },
      b: { state: 'down', detail: 'no answer within 1 s' },
    },
  });
});

test('without a part that is needed nobody is to be sent here, until it is back', async () => {
  let isUp = false;
  let asked = 0;
  const redis = async () => {
    asked += 1;
    return isUp ? undefined : fails();
  };
  const readiness = createReadiness({ redis }, ['redis']);
  expect((await readiness()).ready).toBe(false);
  isUp = true;
  const answers = await Promise.all([readiness(), readiness(), readiness()]);
  expect(answers.map(({ ready }) => ready)).toEqual([true, true, true]);
  await readiness();
  expect(asked).toBe(2);
});

test('a registry that takes connections and says nothing gathers none of them', async () => {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined).on('close', () => connections.delete(socket));
    // It knows no TLS, and to plain HTTP it says nothing.
    socket.on('data', (bytes) => bytes[0] === 0x16 && socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const away = { isReady: fails, version: fails, ping: fails, alive: fails };
  const { registry } = checksOf({
    config: { registryUrl: `127.0.0.1:${port}` },
    stores: { ...away, balancers: away },
    ...{ gitlab: away, dataCentres: { list: () => [] } },
  });
  const readiness = createReadiness({ registry: registry as () => Promise<undefined> }, []);
  expect((await readiness()).parts['registry']?.state).toBe('down');
  await expect.poll(() => connections.size).toBe(0);
});
