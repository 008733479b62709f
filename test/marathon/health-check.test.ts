/** Marathon's HealthCheckIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { until, useMarathon } from './marathon.ts';
import { created, eventOf, HTTP_CHECK, server, tell } from './servers.ts';

const marathon = useMarathon();

describe('Health checks', () => {
  it.each([
    ['kill instance with failing Marathon health checks', 'HTTP'],
    ['kill instance with failing Mesos health checks', 'MESOS_HTTP'],
  ])('%s', async (title, protocol) => {
    const id = `${marathon.group()}/${title.replaceAll(' ', '-').toLowerCase()}`;
    const check = { ...HTTP_CHECK, protocol, gracePeriodSeconds: 3, maxConsecutiveFailures: 2 };
    const [task] = await created(marathon, server(id, 'v1', { healthChecks: [check] }));
    const events = await marathon.events();
    await tell(task, 'break');
    const kill = await eventOf(
      events,
      'unhealthy_instance_kill_event',
      ({ appId }) => appId === id,
    );
    expect(kill).toMatchObject({ taskId: task.id, reason: expect.stringMatching(/./) });
    await until(async () => {
      const tasks = await marathon.tasks(id);
      return tasks.length === 1 && tasks[0].id !== task.id && tasks[0].state === 'TASK_RUNNING';
    });
    const { lastTaskFailure } = (await marathon.ok('GET', `/v2/apps${id}`)).app;
    expect(lastTaskFailure).toMatchObject({ taskId: task.id, appId: id });
  });
});
