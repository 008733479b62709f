/** Marathon's AppDeployIntegrationTest: deployments that are cancelled or rolled back. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { until, useMarathon } from './marathon.ts';
import { created, deploymentsOf, eventOf, queued } from './servers.ts';

const marathon = useMarathon();

/** An app that no node can take. */
const impossible = { cmd: 'na', instances: 5, constraints: [['nonExistent', 'CLUSTER', 'na']] };

describe('AppDeploy', () => {
  it('stop (forcefully delete) a deployment', async () => {
    const id = `${marathon.group()}/stop-and-force-delete`;
    const events = await marathon.events();
    const { deployments } = await marathon.ok('POST', '/v2/apps', app(id, impossible));
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    await until(async () => (await queued(marathon, id))?.delay.overdue === true);
    const [{ id: deployment }] = deployments;
    const { status } = await marathon.api('DELETE', `/v2/deployments/${deployment}?force=true`);
    expect(status).toBe(202);
    await eventOf(events, 'deployment_failed', (data) => data.id === deployment);
    expect(await deploymentsOf(marathon, id)).toEqual([]);
    expect((await marathon.api('GET', `/v2/apps${id}`)).status).toBe(200);
  });

  it('rollback a deployment (by removing an app)', async () => {
    const id = `${marathon.group()}/rollback-a-deployment`;
    const events = await marathon.events();
    const { deployments } = await marathon.ok('POST', '/v2/apps', app(id, impossible));
    const [{ id: old }] = deployments;
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    const { deploymentId } = await marathon.deployed('DELETE', `/v2/deployments/${old}`);
    await eventOf(events, 'deployment_failed', (data) => data.id === old);
    await eventOf(events, 'deployment_success', (data) => data.id === deploymentId);
    expect(await deploymentsOf(marathon, id)).toEqual([]);
    expect((await marathon.api('GET', `/v2/apps${id}`)).status).toBe(404);
  });

  it.each([
    [
      'manage yet another deployment rollback',
      { instances: 2, upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } },
    ],
    ['rollback deployment with default deployment strategy', { instances: 1 }],
  ])('%s', async (title, more) => {
    const id = `${marathon.group()}/${title.replaceAll(' ', '-')}`;
    await created(marathon, app(id, { backoffFactor: 1, ...more }));
    const impossibleNow = { cpus: 1000, cmd: 'na' };
    const { deploymentId } = await marathon.ok('PUT', `/v2/apps${id}`, impossibleNow);
    await until(async () => (await queued(marathon, id))?.count === more.instances);
    await marathon.deployed('DELETE', `/v2/deployments/${deploymentId}`);
    await marathon.running(id, more.instances);
    expect((await marathon.ok('GET', `/v2/apps${id}`)).app.cpus).toBe(0.01);
  });
});
