/** Which nodes there are, and what the web role makes of them. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { NodeReport } from '../../src/core/node.ts';
import type { InstanceMetrics } from '../../src/core/sample.ts';
import { createNodes } from '../../src/stores/nodes.ts';
import { createSecrets } from '../../src/stores/secrets.ts';
import { clientOf, startNodeFor } from '../logs/remote.ts';
import { instance, makeSandbox } from '../logs/rig.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();

function reportOf(name: string): NodeReport {
  return { name, url: `http://${name}:7309`, hosts: [name], at: 1_000 };
}

test('nodes are listed by name while they report', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const nodes = createNodes({ redis: connection, prefix });
  expect(await nodes.list()).toEqual([]);
  await nodes.report(reportOf('two'));
  await nodes.report(reportOf('one'));
  await nodes.report({ ...reportOf('one'), url: 'http://10.0.0.1:7309' });
  expect((await nodes.list()).map(({ url }) => url)).toEqual([
    ...['http://10.0.0.1:7309', 'http://two:7309'],
  ]);
  const left = await connection.ttl(`${prefix}:node:two`);
  expect(left).toBeGreaterThan(50);
  expect(left).toBeLessThanOrEqual(60);
  await nodes.leave('one');
  expect((await nodes.list()).map(({ name }) => name)).toEqual(['two']);
  await connection.del(`${prefix}:node:two`);
  expect(await nodes.list()).toEqual([]);
  expect(await connection.scard(`${prefix}:nodes`)).toBe(0);
});

test('a report that cannot be read is no node', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const nodes = createNodes({ redis: connection, prefix });
  await nodes.report(reportOf('good'));
  await connection.sadd(`${prefix}:nodes`, 'bad', 'worse');
  await connection.set(`${prefix}:node:bad`, '{"url":"file:///etc"}');
  await connection.set(`${prefix}:node:worse`, '{');
  expect((await nodes.list()).map(({ name }) => name)).toEqual(['good']);
});

test('the secret of nodes is the same for all', async () => {
  const store = openRedis(redis);
  const secrets = await Promise.all(
    Array.from({ length: 5 }, () => createSecrets(store).get('node')),
  );
  expect(new Set(secrets).size).toBe(1);
  expect(secrets[0]).toMatch(/^[\w-]{43}$/);
});

/** Takes connections and says nothing. */
async function silentNode(name: string): Promise<NodeReport> {
  const server = createServer(() => undefined);
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });
  server.unref();
  return { ...reportOf(name), url: `http://127.0.0.1:${port}` };
}

/** Nothing listens there. */
function deadNode(name: string): NodeReport {
  return { ...reportOf(name), url: 'http://127.0.0.1:1' };
}

const metrics: InstanceMetrics = {
  instance,
  limits: { memory: 1_024 },
  series: {
    start: 0,
    step: 10_000,
    values: {
      ...{ cpu: [0.5], memory: [100], diskRead: [null], diskWrite: [0] },
      ...{ networkReceive: [1], networkSend: [2] },
    },
  },
};

test('a node that is away hides nothing of the others', async () => {
  const sandbox = await makeSandbox();
  await writeFile(join(sandbox.folder, 'stdout'), 'text');
  const ofApp = async (app: string) => (app === '/shop/production/web' ? [metrics] : []);
  const { report } = await startNodeFor(sandbox, { name: 'two', metrics: { ofApp } });
  const client = clientOf([deadNode('one'), report, await silentNode('three')]);
  const [listed, measured] = await Promise.all([
    client.logFiles.list(instance),
    client.metrics.ofApp('/shop/production/web'),
  ]);
  expect(listed?.map(({ path }) => path)).toEqual(['stdout']);
  expect(measured).toEqual([metrics]);
});

test('an instance that no node has is unknown only when all have answered', async () => {
  const { report } = await startNodeFor(await makeSandbox(), { name: 'two' });
  expect(await clientOf([report]).logFiles.list('none')).toBeUndefined();
  await expect(clientOf([report, deadNode('one')]).logFiles.list('none')).rejects.toMatchObject({
    code: 'E_NODE_AWAY',
    message: expect.stringContaining('The node one does not answer at http://127.0.0.1:1'),
    hint: expect.stringContaining('ekiden node'),
  });
});

test('without nodes one is told what to run', async () => {
  const client = clientOf([]);
  await expect(client.logFiles.list(instance)).rejects.toMatchObject({
    code: 'E_NO_NODE',
    hint: expect.stringContaining('ekiden node'),
  });
  expect(await client.metrics.ofApp('/shop')).toEqual([]);
});

test('metrics fail when every node is away', async () => {
  const client = clientOf([deadNode('one')]);
  await expect(client.metrics.ofApp('/shop')).rejects.toMatchObject({ code: 'E_NODE_AWAY' });
});

test('an instance that moved to another node is found again', async () => {
  const [first, second] = [await makeSandbox(), await makeSandbox()];
  await writeFile(join(second.folder, 'stdout'), 'second');
  const one = await startNodeFor(first, { name: 'one' });
  const two = await startNodeFor(
    { ...second, instance: { ...second.instance, endedAt: 1 } },
    { name: 'two' },
  );
  const reports = [two.report, one.report];
  const client = clientOf(reports);
  expect(await client.logFiles.list(instance)).toEqual([]);
  reports.pop();
  expect((await client.logFiles.list(instance))?.map(({ path }) => path)).toEqual(['stdout']);
});
