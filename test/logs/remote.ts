/** Log files and metrics through the node's own server and the client of the web role. */
import { onTestFinished } from 'vitest';
import { createNodeClient, type NodeClient } from '../../src/clients/node.ts';
import { createNodeSignature } from '../../src/clients/node-signature.ts';
import { silent } from '../../src/core/log.ts';
import type { ListeningPorts, NodeReport } from '../../src/core/node.ts';
import type { Metrics } from '../../src/core/sample.ts';
import { type NodeServer, startNodeServer } from '../../src/http/node-server.ts';
import type { Sandbox } from './rig.ts';

export const secret = 'a secret of the tests';

export interface RemoteNode {
  server: NodeServer;
  report: NodeReport;
  client: NodeClient;
}

const noMetrics: Metrics = { ofApp: async () => [] };
const nowhere: ListeningPorts = { of: async () => undefined };

export async function startNodeFor(
  { instance, logFiles }: Pick<Sandbox, 'instance' | 'logFiles'>,
  { name = 'one', metrics = noMetrics, listening = nowhere, port = 0 } = {},
): Promise<{ server: NodeServer; report: NodeReport }> {
  const server = await startNodeServer({
    listen: `127.0.0.1:${port}`,
    signature: createNodeSignature(secret),
    instances: {
      find: async (id) => (id === instance.id ? instance : undefined),
      list: () => [instance],
      ofApp: async (app) => (app === instance.app ? [instance] : []),
    },
    ...{ logFiles, metrics, listening, log: silent },
  });
  onTestFinished(() => server.stop());
  const url = `http://127.0.0.1:${server.port}`;
  return { server, report: { name, url, hosts: [], at: Date.now() } };
}

export function clientOf(reports: NodeReport[]): NodeClient {
  const client = createNodeClient({
    nodes: { list: async () => reports },
    secret: async () => secret,
    log: silent,
  });
  onTestFinished(() => client.close());
  return client;
}

export async function throughServer(sandbox: Sandbox, metrics = noMetrics): Promise<RemoteNode> {
  const { server, report } = await startNodeFor(sandbox, { metrics });
  return { server, report, client: clientOf([report]) };
}
