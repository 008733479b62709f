/** Starts roles by name, several in one process. */
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../src/core/errors.ts';
import type { Ekiden } from '../src/ekiden.ts';
import { startBalance } from './balance.ts';
import { startBuild } from './build.ts';
import { startDeploy } from './deploy.ts';
import { startHeartbeat } from './health.ts';
import type { RoleName } from './role-names.ts';
import type { Runner } from './runner.ts';
import { startWatch } from './watch.ts';
import { startWeb } from './web.ts';

const starters: Record<RoleName, (ekiden: Ekiden) => Promise<Runner>> = {
  web: startWeb,
  build: startBuild,
  deploy: startDeploy,
  watch: startWatch,
  balance: startBalance,
};

/** Milliseconds that Redis may take to answer before a start is given up. */
const redisPatience = 10_000;

/** A role that waited for a Redis that is not there would look as if it ran. */
async function awaitRedis({ isReady }: Ekiden, abandon: AbortSignal): Promise<void> {
  const giveUp = Date.now() + redisPatience;
  while (!(await isReady())) {
    abandon.throwIfAborted();
    if (Date.now() > giveUp) {
      throw new SetupError(`Redis does not answer within ${redisPatience / 1000} s.`, {
        code: 'E_REDIS',
        hint: 'Check REDIS_URL, and that Redis runs there.',
      });
    }
    await delay(100);
  }
}

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
