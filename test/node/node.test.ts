/** Where a node tells the others that it answers. */
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import type { NodeReport } from '../../src/core/node.ts';
import { createNode } from '../../src/node.ts';
import { makeFolder } from '../support/redis.ts';

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
const reachable = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
const all = `http://${reachable?.address ?? '127.0.0.1'}:17309`;

test.each([
  ['10.0.0.7:0', undefined, 'http://10.0.0.7:17309'],
  ['[fd00::7]:17309', undefined, 'http://[fd00::7]:17309'],
  ['0.0.0.0:17309', undefined, all],
  ['[::]:17309', undefined, all],
  ['[::]:17309', 'https://node.test/7', 'https://node.test/7'],
])('%s, %s', async (nodeListen, nodeUrl, url) => {
  const reports: NodeReport[] = [];
  const node = createNode({
    config: { data: await makeFolder(), install: 'test', nodeListen, nodeUrl },
    docker: connectDocker(process.env['DOCKER_HOST']),
    nodes: {
      report: async (report) => void reports.push(report),
      leave: async () => {},
      list: async () => reports,
    },
    secrets: { get: async () => 'secret' },
    log: silent,
  });
  onTestFinished(() => node.leave());
  await node.announce(17_309);
  expect(reports).toMatchObject([{ url }]);
});
