/** Tasks over the real Docker: environment, sandbox, failures, kills, and what survives a restart. */
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bridged,
  busybox,
  containersOf,
  docker,
  type Json,
  plain,
  serve,
  startTestEngine,
  TCP_CHECK,
  type TestEngine,
  until,
  WAIT,
} from './harness.ts';
import { expectType } from './schema.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

async function create(app: Json): Promise<Json[]> {
  expect((await engine.api('POST', '/v2/apps', app)).status).toBe(201);
  await engine.settled(app.id);
  return engine.tasks(app.id);
}

const sandbox = (taskId: string, file = '') => join(engine.data, 'sandboxes', taskId, file);
const read = (path: string) => readFile(path, 'utf8').catch(() => '');

describe('a task', () => {
  it('finds its environment and writes to its sandbox', async () => {
    const cmd = `echo $MARATHON_APP_ID $PORT0 $A; echo oops >&2; echo x > $MESOS_SANDBOX/own; ${WAIT}`;
    const app = { ...plain('/env', cmd), env: { A: 'b' } };
    const [task] = await create({
      ...app,
      container: {
        type: 'DOCKER',
        docker: { image: busybox, parameters: [{ key: 'label', value: 'team=a' }] },
        volumes: [{ containerPath: '/logs', hostPath: 'logs', mode: 'RW' }],
      },
    });
    await until(async () => (await read(sandbox(task.id, 'own'))) === 'x\n');
    await until(async () => (await read(sandbox(task.id, 'stdout'))).length > 0);
    expect(await read(sandbox(task.id, 'stdout'))).toBe(`/env ${task.ports[0]} b\n`);
    await until(async () => (await read(sandbox(task.id, 'stderr'))) === 'oops\n');
    expect((await stat(sandbox(task.id, 'logs'))).mode & 0o777).toBe(0o777);
    const [container] = await containersOf(task.id);
    const { Config } = await docker.getContainer(container ?? '').inspect();
    expect(Config.Labels).toMatchObject({ team: 'a', 'ekiden.install': engine.install });
  });

  it('in a bridge is reached at its published port on the loopback address', async () => {
    const [task] = await create({ ...bridged('/bridge', serve(8080)), healthChecks: [TCP_CHECK] });
    expect(await (await fetch(`http://127.0.0.1:${task.ports[0]}/`)).text()).toBe('ok\n');
    expect(task.ipAddresses).toEqual([{ ipAddress: expect.any(String), protocol: 'IPv4' }]);
    const { tasks } = (await engine.api('GET', '/v2/tasks?status=running')).body;
    expectType('task.TaskList', { tasks });
    const { app } = (await engine.api('GET', '/v2/apps/bridge')).body;
    const { servicePort } = app.container.portMappings[0];
    expect(tasks.find(({ id }: Json) => id === task.id).servicePorts).toEqual([servicePort]);
  });
});

describe('a failure', () => {
  it('is told with its exit code, and delays the next launch more and more', async () => {
    await engine.api('POST', '/v2/apps', {
      ...plain('/crash', 'echo bye; exit 3'),
      // The second delay outlasts the test, however slow the machine is.
      backoffFactor: 100,
    });
    const failure = async () =>
      (await engine.api('GET', '/v2/apps/crash')).body.app.lastTaskFailure;
    await until(async () => (await failure())?.taskId.endsWith('_app.2'));
    const last = await failure();
    expectType('task.TaskFailure', last);
    expect(last).toMatchObject({ state: 'TASK_FAILED', message: 'Container exited with status 3' });
    expect(await read(sandbox(last.taskId, 'stdout'))).toBe('bye\n');
    const item = async () => {
      const { body } = await engine.api('GET', '/v2/queue');
      expectType('queue.Queue', body);
      return body.queue.find(({ app }: Json) => app.id === '/crash');
    };
    await until(async () => (await item())?.delay.overdue === false);
    expect((await item()).count).toBe(1);
    expect((await engine.api('DELETE', '/v2/queue/crash/delay')).status).toBe(204);
    expect((await engine.api('DELETE', '/v2/queue/nobody/delay')).status).toBe(404);
  });

  it('to get the image is the reason of the failure', async () => {
    const image = '127.0.0.1:1/none/such@sha256:'.concat('0'.repeat(64));
    const container = { type: 'DOCKER', docker: { image } };
    await engine.api('POST', '/v2/apps', { ...plain('/imageless'), container });
    const failure = async () =>
      (await engine.api('GET', '/v2/apps/imageless')).body.app.lastTaskFailure;
    await until(async () => (await failure()) !== undefined);
    expect((await failure()).message).toMatch(/127\.0\.0\.1:1.*connection refused/);
  });

  it('of memory is named', async () => {
    // Of a container that is gone at once Docker may never hear that it was the memory.
    const cmd = '(x=a; while :; do x=$x$x; done); code=$?; sleep 1; exit $code';
    await engine.api('POST', '/v2/apps', plain('/greedy', cmd));
    const failure = async () =>
      (await engine.api('GET', '/v2/apps/greedy')).body.app.lastTaskFailure;
    await until(async () => (await failure()) !== undefined);
    expect((await failure()).message).toBe('Container exited with status 137: out of memory');
  });
});

describe('killing', () => {
  it('relaunches the instance, or makes a new one with wipe', async () => {
    const [first] = await create(plain('/kill'));
    const events = await engine.events('?event_type=instance_changed_event');
    const { status, body } = await engine.api('DELETE', `/v2/apps/kill/tasks/${first.id}`);
    expect([status, body.task.id]).toEqual([200, first.id]);
    expectType('task.TaskSingle', body);
    const only = async () => (await engine.tasks('/kill'))[0];
    await until(async () => (await only())?.id === first.id.replace(/1$/, '2'));
    await until(async () => (await only()).state === 'TASK_RUNNING');
    const conditions = ['Killing', 'Killed', 'Scheduled', 'Provisioned', 'Running'];
    const told = () => events.filter(({ data }) => data.runSpecId === '/kill');
    await until(() => told().length === conditions.length || told());
    expect(told().map(({ data }) => data.condition)).toEqual(conditions);
    const second = await only();
    await engine.api('DELETE', `/v2/apps/kill/tasks/${second.id}?wipe=true`);
    await until(async () => {
      const tasks = await engine.tasks('/kill');
      return tasks.length === 1 && tasks[0].id.split('._app')[0] !== second.id.split('._app')[0];
    });
  });

  it('scales down by exactly the named tasks', async () => {
    const tasks = await create({ ...plain('/fewer'), instances: 3 });
    const ids = [tasks[0].id, 'unknown.instance-1._app.1'];
    const { status, body } = await engine.api('POST', '/v2/tasks/delete?scale=true', { ids });
    expect(status).toBe(200);
    expectType('deploymentResult.DeploymentResult', body);
    await engine.settled('/fewer');
    const left = (await engine.tasks('/fewer')).map(({ id }) => id);
    expect(left.sort()).toEqual([tasks[1].id, tasks[2].id].sort());
    expect((await engine.api('GET', '/v2/apps/fewer')).body.app.instances).toBe(2);
  });

  it('refuses what contradicts itself or names no task', async () => {
    await create({ ...plain('/odd'), instances: 0 });
    const both = await engine.api('DELETE', '/v2/apps/odd/tasks?scale=true&wipe=true');
    expect(both).toMatchObject({
      status: 400,
      body: { message: 'You cannot use scale and wipe at the same time.' },
    });
    const missing = await engine.api('DELETE', '/v2/apps/odd/tasks/x');
    expect(missing).toMatchObject({ status: 404, body: { message: "Task 'x' does not exist" } });
    const bad = await engine.api('POST', '/v2/tasks/delete', { ids: ['x'] });
    expect(bad.status).toBe(400);
    expect(bad.body.message).toMatch(/^Invalid task id 'x'/);
    const unknown = await engine.api('POST', '/v2/tasks/delete', {
      ids: ['odd.instance-y._app.1', 'odd.z'],
    });
    expect(unknown).toMatchObject({ status: 200, body: { tasks: [] } });
    const { body } = await engine.api('GET', '/v2/tasks?status=odd');
    expect(body.tasks.length).toBeGreaterThan(0);
  });
});

describe('an instance that finds no place', () => {
  it.each([
    ['UnfulfilledConstraint', { constraints: [['hostname', 'UNIQUE']] }],
    ['InsufficientPorts', { ports: [30_999], requirePorts: true }],
  ])('waits in the queue for the reason %s', async (reason, more) => {
    const id = `/placed/${reason.toLowerCase()}`;
    await engine.api('POST', '/v2/apps', { ...plain(id), instances: 2, ...more });
    const item = async () => {
      const { body } = await engine.api('GET', '/v2/queue');
      expectType('queue.Queue', body);
      return body.queue.find(({ app }: Json) => app.id === id);
    };
    await until(async () => {
      const waiting = await item();
      return waiting?.processedOffersSummary.unusedOffersCount > 0;
    });
    await until(async () => (await engine.tasks(id)).length === 1);
    const waiting = await item();
    expect(waiting.count).toBe(1);
    const reasons = waiting.processedOffersSummary.rejectSummaryLastOffers;
    expect(reasons.find(({ declined }: Json) => declined > 0)).toEqual({
      reason,
      declined: 1,
      processed: 1,
    });
    await engine.api('PUT', `/v2/apps${id}?force=true`, { instances: 1 });
    await engine.settled(id);
    expect(await engine.tasks(id)).toHaveLength(1);
  });
});

describe('an image that never comes', () => {
  it('does not hold up the next definition, nor the end of the app', async () => {
    const registry = createServer(() => undefined);
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as AddressInfo;
    try {
      const docker = { image: `127.0.0.1:${port}/slow/app` };
      await engine.api('POST', '/v2/apps', { ...plain('/slow'), container: { docker } });
      await until(async () => (await engine.tasks('/slow'))[0]?.state === 'TASK_STAGING');
      const container = { docker: { image: busybox } };
      await engine.api('PUT', '/v2/apps/slow?force=true', { container });
      await engine.settled('/slow');
      expect((await engine.tasks('/slow')).map(({ state }) => state)).toEqual(['TASK_RUNNING']);
    } finally {
      registry.closeAllConnections();
      registry.close();
    }
  });
});

describe('a drain', () => {
  it('lets a killed task serve on, and never holds a forced deployment up', async () => {
    const slow = await startTestEngine({ drainSeconds: 600 });
    try {
      const app = { ...bridged('/drain', serve(8080)), healthChecks: [TCP_CHECK] };
      await slow.api('POST', '/v2/apps', app);
      await slow.settled('/drain');
      const [old] = await slow.tasks('/drain');
      const events = await slow.events('?event_type=status_update_event');
      await slow.api('PUT', '/v2/apps/drain', { env: { V: '2' } });
      await until(() => events.some(({ data }) => data.taskStatus === 'TASK_KILLING'));
      const killing = events.find(({ data }) => data.taskStatus === 'TASK_KILLING');
      expect(killing?.data).toMatchObject({ taskId: old.id, ports: old.ports, appId: '/drain' });
      expect((await fetch(`http://127.0.0.1:${old.ports[0]}/`)).status).toBe(200);
      const forced = await slow.api('PUT', '/v2/apps/drain?force=true', { env: { V: '3' } });
      await until(async () => {
        const tasks = await slow.tasks('/drain');
        return tasks.some(
          ({ version, healthCheckResults: [health] }) =>
            version === forced.body.version && health?.alive,
        );
      });
      const states = (await slow.tasks('/drain')).map(({ id, state }) => [id, state]);
      expect(states).toContainEqual([old.id, 'TASK_KILLING']);
      // The end of a deployment waits for its own kills, but not for those of one before.
      await slow.api('PUT', '/v2/apps/drain?force=true', { instances: 0 });
      await until(
        async () => (await slow.api('GET', '/v2/apps/drain')).body.app.tasksRunning === 0,
      );
      await slow.api('PUT', '/v2/apps/drain?force=true', { instances: 1 });
      await slow.settled('/drain');
    } finally {
      await slow.close();
    }
  }, 240_000);
});

describe('an engine that was killed', () => {
  it('adopts what runs, replaces what is gone and removes what nobody knows', async () => {
    const app = { ...bridged('/kept', serve(8080)), instances: 2, healthChecks: [TCP_CHECK] };
    const before = await create(app);
    const other = await docker.createContainer({
      Image: busybox,
      Cmd: ['true'],
      Labels: { 'ekiden.install': engine.install, MESOS_TASK_ID: 'no.instance-1._app.1' },
    });
    await docker.getContainer((await containersOf(before[0].id))[0] ?? '').remove({ force: true });
    await engine.crash();
    await until(async () => {
      const tasks = await engine.tasks('/kept');
      const healthy = tasks.filter(({ healthCheckResults }) => healthCheckResults?.[0]?.alive);
      return healthy.length === 2;
    });
    const after = await engine.tasks('/kept');
    expect(after.map(({ id }) => id)).toContain(before[1].id);
    expect(after.find(({ id }) => id === before[1].id)).toMatchObject({
      startedAt: before[1].startedAt,
      ports: before[1].ports,
    });
    await expect(other.inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('goes on with a deployment', async () => {
    const made = await engine.api('POST', '/v2/apps', {
      ...bridged('/resumed', serve(3000)),
      healthChecks: [TCP_CHECK],
    });
    await until(async () => (await engine.tasks('/resumed'))[0]?.state === 'TASK_RUNNING');
    await engine.crash();
    const { body } = await engine.api('GET', '/v2/deployments');
    expect(body.map(({ id }: Json) => id)).toContain(made.body.deployments[0].id);
    const [task] = await engine.tasks('/resumed');
    expect(task.id).toMatch(/_app\.1$/);
    await engine.api('PUT', '/v2/apps/resumed?force=true', { cmd: serve(8080) });
    await until(async () => (await engine.tasks('/resumed'))[0]?.healthCheckResults?.[0]?.alive);
  });
});
