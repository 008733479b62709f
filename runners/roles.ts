/** Starts roles by name, several in one process. */
import { setTimeout as delay } from 'node:timers/promises';
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

/**
 * Milliseconds that roles may take to stop. One that waits for a part that hangs keeps nobody from
 * ending; what it worked on is taken up by others, as after a kill.
 */
const stopPatience = 8_000;

/** Starts all, one after the other, or none. */
export async function startRoles(
  ekiden: Ekiden,
  names: readonly RoleName[],
  abandon: AbortSignal,
): Promise<Runner> {
  await awaitRedis(ekiden, abandon);
  const running: Runner[] = [];
  const stop = async () => {
    const stops = Promise.all(running.map((runner) => runner.stop())).then(() => true);
    const isDone = await Promise.race([stops, delay(stopPatience, false, { ref: false })]);
    if (!isDone)
      ekiden.log.warn({ roles: names.join('+') }, 'a part hangs: stopped without waiting for it');
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
