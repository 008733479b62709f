/** Marathon's ReadinessCheckIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { type Json, until, useMarathon } from './marathon.ts';
import { deploymentsOf, HTTP_CHECK, READINESS_CHECK, server, tell } from './servers.ts';

const marathon = useMarathon();

/** Waits until the check has failed while the deployment goes on. */
async function isNotReady(id: string, taskId: string): Promise<void> {
  await until(async () => {
    const [deployment] = await deploymentsOf(marathon, id);
    const results = deployment?.currentActions[0].readinessCheckResults ?? [];
    return results.some((result: Json) => result.lastResponse?.status === 404);
  });
  const { app } = await marathon.ok('GET', `/v2/apps${id}?embed=app.readiness`);
  expect(app.readinessCheckResults).toMatchObject([{ name: 'ready', ready: false }]);
  expect(taskId).toContain(app.readinessCheckResults[0].taskId);
}

/** The newest task, as soon as it runs. */
async function newest(id: string): Promise<Json> {
  let task: Json;
  await until(async () => {
    const tasks = await marathon.tasks(id);
    task = tasks.toSorted((a, b) => b.version.localeCompare(a.version))[0];
    return task?.state === 'TASK_RUNNING';
  });
  return task;
}

describe('ReadinessChecks', () => {
  it.each([
    [
      'A deployment of an application with readiness checks (no health) does finish when the app is ready',
      {},
    ],
    [
      'A deployment of an application with readiness checks and health does finish when health checks succeed and plan is ready',
      { healthChecks: [HTTP_CHECK] },
    ],
  ])('%s', async (_title, more) => {
    const id = `${marathon.group()}/with-readiness`;
    const definition = server(id, 'v1', { readinessChecks: [READINESS_CHECK], ...more });
    const { deployments } = await marathon.ok('POST', '/v2/apps', definition);
    const task = await newest(id);
    await isNotReady(id, task.id);
    await tell(task, 'ready');
    await marathon.finished(deployments[0].id);
    expect(await marathon.running(id, 1)).toMatchObject([{ id: task.id }]);
  });

  it('An upgrade of an application will wait for the readiness checks', async () => {
    const id = `${marathon.group()}/upgrade`;
    const definition = server(id, 'v1', { readinessChecks: [READINESS_CHECK] });
    const { deployments } = await marathon.ok('POST', '/v2/apps', definition);
    await tell(await newest(id), 'ready');
    await marathon.finished(deployments[0].id);
    const [old] = await marathon.tasks(id);
    const { deploymentId, version } = await marathon.ok('PUT', `/v2/apps${id}`, {
      cmd: server(id, 'v2').cmd,
    });
    await until(async () => (await newest(id)).version === version);
    const task = await newest(id);
    await isNotReady(id, task.id);
    expect((await marathon.tasks(id)).map((one) => one.id)).toContain(old.id);
    await tell(task, 'ready');
    await marathon.finished(deploymentId);
    expect(await marathon.running(id, 1)).toMatchObject([{ id: task.id }]);
  });
});
