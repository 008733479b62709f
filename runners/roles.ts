/** Starts roles by name, several in one process. */
import type { Ekiden } from '../src/ekiden.ts';
import { startBalance } from './balance.ts';
import { startBuild } from './build.ts';
import { startDeploy } from './deploy.ts';
import { startHeartbeat } from './health.ts';
import { startNode } from './node.ts';
import { awaitRedis } from './redis.ts';
import type { RoleName } from './role-names.ts';
import type { Runner } from './runner.ts';
import { startWatch } from './watch.ts';
import { startWeb } from './web.ts';

const starters: Record<RoleName, (ekiden: Ekiden) => Promise<Runner>> = {
  web: startWeb,
  build: startBuild,
  deploy: startDeploy,
  watch: startWatch,
  node: ({ node }) => startNode(node),
  balance: startBalance,
};

/** Starts all, one after the other, or none. */
export async function startRoles(
  ekiden: Ekiden,
  names: readonly RoleName[],
  abandon: AbortSignal,
): Promise<Runner> {
  await awaitRedis(ekiden, abandon);
  const running: Runner[] = [];
  const stop = async () => {
    await Promise.all(running.map((runner) => runner.stop()));
  };
  try {
    for (const name of names) {
      abandon.throwIfAborted();
      running.push(await starters[name](ekiden));
    }
    running.push(await startHeartbeat({ ...ekiden, data: ekiden.config.data, roles: names }));
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
