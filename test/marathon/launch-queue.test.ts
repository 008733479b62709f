/** Marathon's LaunchQueueIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, until, useMarathon } from './marathon.ts';
import { queued } from './servers.ts';

const marathon = useMarathon();

describe('LaunchQueue', () => {
  it('GET /v2/queue with an empty queue', async () => {
    expect(await marathon.ok('GET', '/v2/deployments')).toEqual([]);
    expect(await marathon.ok('GET', '/v2/queue')).toEqual({ queue: [] });
  });

  it('GET /v2/queue with pending app', async () => {
    const id = `${marathon.group()}/pending`;
    const constraints = [['nonExistent', 'CLUSTER', 'na']];
    await marathon.ok('POST', '/v2/apps', app(id, { instances: 5, constraints }));
    await until(async () => (await queued(marathon, id))?.count === 5);
    const reasons = async (): Promise<Json[]> =>
      (await queued(marathon, id)).processedOffersSummary.rejectSummaryLastOffers ?? [];
    await until(async () =>
      (await reasons()).some(
        ({ reason, declined }) => reason === 'UnfulfilledConstraint' && declined > 0,
      ),
    );
    const { queue } = await marathon.ok('GET', '/v2/queue?embed=lastUnusedOffers');
    const item = queue.find((one: Json) => one.app.id === id);
    expect(item.lastUnusedOffers[0].reason).toContain('UnfulfilledConstraint');
    expect(item.delay).toEqual({ timeLeftSeconds: 0, overdue: true });
  });

  it('GET /v2/queue with backed-off failing app', async () => {
    const id = `${marathon.group()}/failing`;
    const delays = { backoffSeconds: 3600, maxLaunchDelaySeconds: 3600 };
    await marathon.ok('POST', '/v2/apps', app(id, { cmd: 'exit 1', ...delays }));
    await until(async () => (await queued(marathon, id))?.delay.overdue === false);
    const { count, delay } = await queued(marathon, id);
    expect(count).toBe(1);
    expect(delay.timeLeftSeconds).toBeGreaterThan(3000);
  });
});
