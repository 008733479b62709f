/** Marathon's AppDeployIntegrationTest: apps whose launches are delayed, because they keep failing. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, until, useMarathon } from './marathon.ts';
import { queued, statusUpdates } from './servers.ts';

const marathon = useMarathon();

/** An app that has failed and is not started again for an hour. */
async function backedOffApp(id: string): Promise<void> {
  const delays = { backoffSeconds: 3600, maxLaunchDelaySeconds: 3600 };
  await marathon.ok('POST', '/v2/apps', app(id, { cmd: 'false', ...delays }));
  await until(async () => (await queued(marathon, id))?.delay.overdue === false);
}

describe('AppDeploy', () => {
  it('backoff delays are reset on configuration changes', async () => {
    const id = `${marathon.group()}/is-reset-on-conf-changes`;
    await backedOffApp(id);
    await marathon.deployed('PUT', `/v2/apps${id}?force=true`, { cmd: `${app(id).cmd}; true` });
    await marathon.running(id, 1);
  });

  it('backoff delays are NOT reset on scaling changes', async () => {
    const id = `${marathon.group()}/is-not-reset-on-scaling-changes`;
    await backedOffApp(id);
    await marathon.ok('PUT', `/v2/apps${id}?force=true`, { instances: 3 });
    await until(async () => (await queued(marathon, id))?.count === 3);
    const { delay } = await queued(marathon, id);
    expect(delay.overdue).toBe(false);
    expect(delay.timeLeftSeconds).toBeGreaterThan(3000);
    expect(await marathon.tasks(id)).toEqual([]);
  });

  it('backoff delay can be get/deleted on a crash looping app', async () => {
    const id = `${marathon.group()}/crash-looping-app`;
    const events = await marathon.events();
    await backedOffApp(id);
    const failures = (count: number) =>
      statusUpdates(events, { appId: id, state: 'TASK_FAILED', count });
    await failures(1);
    for (const count of [2, 3]) {
      await until(async () => (await queued(marathon, id))?.delay.timeLeftSeconds > 0);
      expect((await marathon.api('DELETE', `/v2/queue${id}/delay`)).status).toBe(204);
      await failures(count);
    }
    const missing = await marathon.api('DELETE', `/v2/queue${id}-not/delay`);
    expect(missing.status).toBe(404);
    expect(missing.body.message).toBe(`Application ${id}-not not found in tasks queue.`);
  });

  it('restarting an app with backoff delay starts immediately', async () => {
    const id = `${marathon.group()}/restart-with-backoff`;
    const events = await marathon.events();
    await backedOffApp(id);
    const before = (await statusUpdates(events, { appId: id, state: 'TASK_FAILED' })).length;
    await marathon.ok('POST', `/v2/apps${id}/restart?force=true`);
    const states = { appId: id, state: 'TASK_FAILED', count: before + 1 };
    const failed = await statusUpdates(events, states);
    expect(new Set(failed.map(({ version }: Json) => version)).size).toBeGreaterThan(1);
  });
});
