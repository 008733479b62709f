/** Marathon's RestartIntegrationTest: deployments that outlive the process which began them. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, until, useMarathon } from './marathon.ts';
import {
  created,
  deploymentsOf,
  HTTP_CHECK,
  illServer,
  READINESS_CHECK,
  server,
  tell,
} from './servers.ts';

const marathon = useMarathon();

const idsOf = (tasks: Json[]) => tasks.map(({ id }) => id).sort();

/** Updates the app and waits until two instances of the new version run beside two of the old. */
async function updated(id: string, update: object) {
  const { deploymentId, version } = await marathon.ok('PUT', `/v2/apps${id}`, update);
  const tasks = await marathon.running(id, 4);
  const fresh = tasks.filter((task) => task.version === version);
  expect(fresh).toHaveLength(2);
  return { deploymentId, fresh };
}

/** The deployment comes to its end with the instances that it had before. */
async function endsWith(id: string, deploymentId: string, tasks: Json[]): Promise<void> {
  await marathon.finished(deploymentId);
  expect(idsOf(await marathon.running(id, 2))).toEqual(idsOf(tasks));
}

describe('Restarting Marathon', () => {
  it('not kill a running task currently involved in a deployment', async () => {
    const id = `${marathon.group()}/restart-dont-kill`;
    const constraints = [['hostname', 'UNIQUE']];
    await marathon.ok('POST', '/v2/apps', app(id, { instances: 2, constraints }));
    const before = await marathon.running(id, 1);
    await marathon.restart();
    expect(idsOf(await marathon.running(id, 1))).toEqual(idsOf(before));
    expect((await marathon.tasks(id))[0].ports).toEqual(before[0]?.ports);
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
  });

  it('deployment with 1 ready and 1 not ready instance is continued properly after a restart', async () => {
    const id = `${marathon.group()}/one-ready-one-not-ready-continue`;
    await created(marathon, server(id, 'v1', { instances: 2 }));
    const { cmd } = server(id, 'v2');
    const update = { cmd, readinessChecks: [READINESS_CHECK] };
    const { deploymentId, fresh } = await updated(id, update);
    const [first, second] = fresh;
    await tell(first, 'ready');
    await until(async () => (await marathon.tasks(id)).length === 3);
    await marathon.restart();
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    await tell(second, 'ready');
    await endsWith(id, deploymentId, fresh);
  });

  it('deployment with 2 unhealthy instances is continued properly after master abdication', async () => {
    const id = `${marathon.group()}/two-unhealthy-continue`;
    await created(marathon, server(id, 'v1', { instances: 2 }));
    const { cmd } = illServer(id, 'v2');
    const healthChecks = [{ ...HTTP_CHECK, gracePeriodSeconds: 300 }];
    const { deploymentId, fresh } = await updated(id, { cmd, healthChecks });
    await marathon.restart();
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    for (const task of fresh) await tell(task, 'mend');
    await endsWith(id, deploymentId, fresh);
  });
});
