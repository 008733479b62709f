/** Deployments over the real Docker: rolling replacement, locks, force, rollback, cancel, scaling. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bridged,
  type Json,
  plain,
  serve,
  startTestEngine,
  TCP_CHECK,
  type TestEngine,
  until,
} from './harness.ts';
import { expectType } from './schema.ts';

const DRAIN_SECONDS = 1;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine({ drainSeconds: DRAIN_SECONDS });
});
afterAll(() => engine.close());

const web = (id: string, more: object = {}) => ({
  ...bridged(id, serve(8080)),
  healthChecks: [TCP_CHECK],
  ...more,
});

/** Starts, but never listens where it is checked. */
const broken = { cmd: serve(3000) };

const running = (tasks: Json[]) => tasks.filter(({ state }) => state === 'TASK_RUNNING');

async function create(app: Json): Promise<void> {
  expect((await engine.api('POST', '/v2/apps', app)).status).toBe(201);
  await engine.settled(app.id);
}

describe('rolling replacement', () => {
  it('loses no capacity and no request', async () => {
    await create(web('/roll', { instances: 2 }));
    const events = await engine.events('?event_type=status_update_event');
    const answers: number[] = [];
    const capacities: number[] = [];
    /** Whoever asks so late that its drain may be over has not heard of the instance lately. */
    const isDrained = ({ id }: Json) =>
      events.some(
        ({ data: { taskId, taskStatus, timestamp } }) =>
          taskId === id &&
          taskStatus === 'TASK_KILLING' &&
          Date.now() >= Date.parse(timestamp) + DRAIN_SECONDS * 1000,
      );
    const version = (await engine.api('PUT', '/v2/apps/roll', { env: { V: '2' } })).body.version;
    await until(async () => {
      const tasks = running(await engine.tasks('/roll'));
      const healthy = tasks.filter(({ healthCheckResults: [first] }) => first?.alive);
      capacities.push(healthy.length);
      for (const task of healthy) {
        const answer = await fetch(`http://127.0.0.1:${task.ports[0]}/`).catch(() => undefined);
        if (answer?.status !== 200 && isDrained(task)) continue;
        answers.push(answer?.status ?? 0);
      }
      return (await engine.api('GET', '/v2/deployments')).body.length === 0;
    });
    expect(Math.min(...capacities)).toBeGreaterThanOrEqual(2);
    expect(new Set(answers)).toEqual(new Set([200]));
    const tasks = await engine.tasks('/roll');
    expect(tasks.map((task) => task.version)).toEqual([version, version]);
  });

  it('restarts on request', async () => {
    await create(plain('/restarted'));
    const [before] = await engine.tasks('/restarted');
    const { status, body } = await engine.api('POST', '/v2/apps/restarted/restart');
    expect(status).toBe(200);
    await engine.settled('/restarted');
    const [after] = await engine.tasks('/restarted');
    expect(after?.version).toBe(body.version);
    expect(after?.id).not.toBe(before?.id);
  });
});

describe('a deployment that hangs', () => {
  it('locks its app, says what it does, and keeps the old instance', async () => {
    await create(web('/hang'));
    const [old] = await engine.tasks('/hang');
    const { body } = await engine.api('PUT', '/v2/apps/hang', broken);
    await until(async () => running(await engine.tasks('/hang')).length === 2);
    const locked = await engine.api('PUT', '/v2/apps/hang', { instances: 3 });
    expect(locked.status).toBe(409);
    expect(locked.body.deployments).toEqual([{ id: body.deploymentId }]);
    expect(locked.body.message).toMatch(/^App is locked by one or more deployments\./);
    const { body: deployments } = await engine.api('GET', '/v2/deployments');
    expectType('deploymentEventsInfo.DeploymentStepInfo', deployments[0]);
    expect(deployments).toHaveLength(1);
    expect(deployments[0]).toMatchObject({
      id: body.deploymentId,
      affectedApps: ['/hang'],
      currentActions: [{ action: 'RestartApplication', app: '/hang' }],
      currentStep: 1,
      totalSteps: 1,
    });
    expect((await engine.tasks('/hang')).map(({ id }) => id)).toContain(old?.id);
  });

  it('gives way to a forced one, which starts from the mixed state', async () => {
    await create(web('/forced'));
    const events = await engine.events();
    const hanging = (await engine.api('PUT', '/v2/apps/forced', broken)).body;
    await until(async () => running(await engine.tasks('/forced')).length === 2);
    const forced = await engine.api('PUT', '/v2/apps/forced?force=true', {
      cmd: serve(8080, 'v3'),
    });
    expect(forced.status).toBe(200);
    await engine.settled('/forced');
    const [task, ...others] = await engine.tasks('/forced');
    expect(others).toEqual([]);
    expect(await (await fetch(`http://127.0.0.1:${task?.ports[0]}/`)).text()).toBe('v3\n');
    await until(() => events.some(({ type }) => type === 'deployment_success'));
    const failed = events.find(({ type }) => type === 'deployment_failed');
    expect(failed?.data).toMatchObject({
      id: hanging.deploymentId,
      reason: 'The upgrade has been cancelled',
    });
    const succeeded = events.filter(({ type }) => type === 'deployment_success');
    expect(succeeded.map(({ data }) => data.id)).toEqual([forced.body.deploymentId]);
  });

  it('is rolled back by its deletion', async () => {
    await create(web('/back', { cmd: serve(8080, 'good') }));
    const hanging = (await engine.api('PUT', '/v2/apps/back', broken)).body;
    await until(async () => running(await engine.tasks('/back')).length === 2);
    const { status, body } = await engine.api('DELETE', `/v2/deployments/${hanging.deploymentId}`);
    expect(status).toBe(200);
    expectType('deploymentResult.DeploymentResult', body);
    await engine.settled('/back');
    const { app } = (await engine.api('GET', '/v2/apps/back')).body;
    expect(app.cmd).toContain('good');
    expect(app).toMatchObject({ tasksRunning: 1, tasksHealthy: 1, tasksUnhealthy: 0 });
  });

  it('is rolled back to nothing when it made the app', async () => {
    const { body } = await engine.api('POST', '/v2/apps', web('/never', broken));
    await engine.api('DELETE', `/v2/deployments/${body.deployments[0].id}`);
    await engine.settled('/never');
    expect((await engine.api('GET', '/v2/apps/never')).status).toBe(404);
  });

  it('ends where it is when its deletion is forced', async () => {
    await create(web('/cancel'));
    const hanging = (await engine.api('PUT', '/v2/apps/cancel', broken)).body;
    const path = `/v2/deployments/${hanging.deploymentId}?force=true`;
    const cancelled = await engine.api('DELETE', path);
    expect([cancelled.status, cancelled.body]).toEqual([202, '']);
    await engine.settled('/cancel');
    expect((await engine.api('GET', '/v2/apps/cancel')).body.app.cmd).toBe(broken.cmd);
    await until(async () => (await engine.tasks('/cancel')).length === 1);
    expect((await engine.tasks('/cancel'))[0]?.healthCheckResults[0].alive).toBe(true);
  });
});

describe('scaling', () => {
  it('keeps what runs and kills the youngest', async () => {
    await create(plain('/scale'));
    const [first] = await engine.tasks('/scale');
    await engine.api('PUT', '/v2/apps/scale', { instances: 3 });
    await engine.settled('/scale');
    expect(await engine.tasks('/scale')).toHaveLength(3);
    await engine.api('PUT', '/v2/apps/scale', { instances: 1 });
    await engine.settled('/scale');
    expect((await engine.tasks('/scale')).map(({ id }) => id)).toEqual([first?.id]);
  });
});
