/** The role node by itself, for compute hosts: they hold neither GitLab's token nor what deploys. */
import { readConfig } from '../src/config.ts';
import { SetupError } from '../src/core/errors.ts';
import { createLog } from '../src/log.ts';
import { createNodeAlone, nodeSettings } from '../src/node.ts';
import { startHeartbeat } from './health.ts';
import { startNode } from './node.ts';
import { awaitRedis } from './redis.ts';
import type { Runner } from './runner.ts';

/** @throws SetupError when REDIS_URL is missing, or Redis does not answer. */
export async function startNodeAlone(abandon: AbortSignal): Promise<Runner> {
  const { redisUrl, ...config } = readConfig(nodeSettings);
  if (!redisUrl) {
    throw new SetupError('The role node needs REDIS_URL, by which the role web finds it.', {
      code: 'E_SETTINGS',
      hint: 'Set it, or run all roles with private parts: ekiden up.',
    });
  }
  const log = createLog(config.logLevel, 'node');
  const node = createNodeAlone({ ...config, redisUrl }, log);
  try {
    await awaitRedis(node, abandon);
    const running = await startNode(node);
    const { data } = config;
    const heartbeat = await startHeartbeat({ ...node, data, roles: ['node'] });
    return {
      async stop() {
        await heartbeat.stop();
        await running.stop();
        await node.close();
      },
    };
  } catch (error) {
    await node.close();
    throw error;
  }
}
