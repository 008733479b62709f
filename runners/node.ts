/** The role node: on every compute host, measures the instances there and hands out their log files. */
import { startNodeServer } from '../src/http/node-server.ts';
import type { Node } from '../src/node.ts';
import type { Runner } from './runner.ts';

export async function startNode(node: Node): Promise<Runner & { port: number }> {
  await node.start();
  try {
    const server = await startNodeServer(node);
    await node.announce(server.port);
    return {
      port: server.port,
      async stop() {
        await node.leave();
        await server.stop();
        await node.stop();
      },
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}
