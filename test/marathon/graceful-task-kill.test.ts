/** Marathon's GracefulTaskKillIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { useMarathon } from './marathon.ts';
import { created, statusUpdates } from './servers.ts';

const marathon = useMarathon();

/** Kills the only task of the app; answers the milliseconds until it is told that it is dead. */
async function timeToKill(cmd: string, taskKillGracePeriodSeconds: number): Promise<number> {
  const id = `${marathon.group()}/app-to-stop`;
  const [task] = await created(marathon, app(id, { cmd, taskKillGracePeriodSeconds }));
  const events = await marathon.events();
  const began = Date.now();
  await marathon.ok('DELETE', `/v2/apps${id}/tasks/${task.id}?scale=true`);
  await statusUpdates(events, { appId: id, state: 'TASK_KILLED' });
  return Date.now() - began;
}

describe('GracefulTaskKilling', () => {
  it("create a 'long terminating' app with custom taskKillGracePeriod duration", async () => {
    const ignoring = 'trap "" TERM; while :; do sleep 0.1; done';
    expect(await timeToKill(ignoring, 2)).toBeGreaterThanOrEqual(2000);
  });

  it("create a 'short terminating' app with custom taskKillGracePeriod duration", async () => {
    const obeying = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
    expect(await timeToKill(obeying, 20)).toBeLessThan(20_000);
  });
});
