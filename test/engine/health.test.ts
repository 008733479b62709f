/** Health checks over the real Docker: of every kind, and never green for what does not listen. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bridged,
  containersOf,
  exec,
  type Json,
  plain,
  serve,
  startTestEngine,
  TCP_CHECK,
  type TestEngine,
  until,
  WAIT,
} from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

async function firstHealth(id: string): Promise<Json> {
  const [task] = await engine.tasks(id);
  return task?.healthCheckResults?.[0];
}

async function causeOf(id: string): Promise<string | undefined> {
  return (await firstHealth(id))?.lastFailureCause;
}

describe('an instance', () => {
  it('that never listens is never healthy, though Docker accepts on its published port', async () => {
    await engine.api('POST', '/v2/apps', {
      ...bridged('/deaf', serve(3000)),
      healthChecks: [TCP_CHECK],
    });
    const cause = 'listens on 3000, checked 8080';
    await until(async () => ((await causeOf('/deaf')) === cause ? true : causeOf('/deaf')));
    const health = await firstHealth('/deaf');
    expect(health).toMatchObject({ alive: false, consecutiveFailures: 0 });
    expect(health.firstSuccess).toBeUndefined();
    const { app } = (await engine.api('GET', '/v2/apps/deaf')).body;
    expect(app).toMatchObject({ tasksRunning: 1, tasksHealthy: 0, tasksUnhealthy: 0 });
    expect((await engine.api('GET', '/v2/deployments')).body).toHaveLength(1);
  });

  it('that listens on its loopback address only is told so', async () => {
    const cmd = 'mkdir /www; exec httpd -f -p 127.0.0.1:8080 -h /www';
    await engine.api('POST', '/v2/apps', {
      ...bridged('/loopback', cmd),
      healthChecks: [TCP_CHECK],
    });
    await until(async () => (await causeOf('/loopback'))?.includes('must listen on 0.0.0.0'));
  });

  it('on the host network is not taken for healthy by a stranger on its port', async () => {
    const stranger = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const { port } = stranger.address() as AddressInfo;
    try {
      const check = { ...TCP_CHECK, portIndex: undefined, port, protocol: 'HTTP' };
      await engine.api('POST', '/v2/apps', { ...plain('/host/not'), healthChecks: [check] });
      const cause = `port ${port} is held by another process`;
      await until(async () => (await causeOf('/host/not'))?.startsWith(cause));
    } finally {
      stranger.close();
    }
  });

  it('on the host network is healthy on its own $PORT', async () => {
    const check = { ...TCP_CHECK, protocol: 'HTTP' };
    const app = { ...plain('/host/own', serve('$PORT0')), healthChecks: [check] };
    await engine.api('POST', '/v2/apps', app);
    await until(async () => (await firstHealth('/host/own'))?.alive === true);
  });
});

const good: [string, Json][] = [
  ['HTTP', { protocol: 'HTTP', path: '/index.html' }],
  ['TCP', { protocol: 'TCP' }],
  ['MESOS_HTTP', { protocol: 'MESOS_HTTP' }],
  ['MESOS_TCP', { protocol: 'MESOS_TCP', port: 8080, portIndex: undefined }],
  ['COMMAND', { protocol: 'COMMAND', command: { value: 'test -f /www/index.html' } }],
];

const bad: [string, Json, string | RegExp][] = [
  ['HTTP', { protocol: 'HTTP', path: '/missing' }, 'HTTP 404 from /missing'],
  ['COMMAND', { protocol: 'COMMAND', command: { value: 'echo no; exit 3' } }, /status 3: no$/],
  [
    'COMMAND that hangs',
    { protocol: 'COMMAND', command: { value: 'exec sleep 60' }, timeoutSeconds: 1 },
    'timed out after 1 s',
  ],
];

describe('a check by', () => {
  it.each(good)('%s finds a good instance well', async (name, check) => {
    const id = `/good/${name.toLowerCase().replace('_', '-')}`;
    await engine.api('POST', '/v2/apps', {
      ...bridged(id, serve(8080)),
      healthChecks: [{ ...TCP_CHECK, ...check }],
    });
    await until(async () => (await firstHealth(id))?.alive === true);
  });

  it.each(bad)('%s says what is wrong', async (name, check, cause) => {
    const id = `/bad/${name.toLowerCase().replaceAll(' ', '-')}`;
    await engine.api('POST', '/v2/apps', {
      ...bridged(id, serve(8080)),
      healthChecks: [{ ...TCP_CHECK, ...check }],
    });
    const matches = (text = '') => (cause instanceof RegExp ? cause.test(text) : cause === text);
    await until(async () => matches(await causeOf(id)) || causeOf(id));
  });
});

it('does not wait for the commands of other checks to end', async () => {
  const command = (value: string) => ({
    healthChecks: [{ ...TCP_CHECK, protocol: 'COMMAND', command: { value }, timeoutSeconds: 60 }],
  });
  const hanging = { ...plain('/hanging'), instances: 5, ...command('sleep 60') };
  await engine.api('POST', '/v2/apps', hanging);
  await until(async () => {
    const { app } = (await engine.api('GET', '/v2/apps/hanging')).body;
    return app.tasksRunning === 5 || app.tasksRunning;
  });
  await engine.api('POST', '/v2/apps', { ...plain('/prompt'), ...command('true') });
  await until(async () => (await firstHealth('/prompt'))?.alive === true);
  await engine.api('DELETE', '/v2/apps/hanging');
});

describe('an instance that gets ill', () => {
  it('is killed after its failures and started again', async () => {
    const events = await engine.events();
    const check = {
      ...TCP_CHECK,
      protocol: 'HTTP',
      path: '/index.html',
      maxConsecutiveFailures: 1,
    };
    const app = { ...bridged('/ill', serve(8080)), healthChecks: [check] };
    await engine.api('POST', '/v2/apps', app);
    await until(async () => (await firstHealth('/ill'))?.alive === true);
    const [before] = await engine.tasks('/ill');
    const [container] = await containersOf(before.id);
    const known = events.length;
    await exec(container, ['rm', '/www/index.html']);
    await until(async () => {
      const [task] = await engine.tasks('/ill');
      return task?.id !== before.id && task?.healthCheckResults?.[0]?.alive === true;
    });
    const [after] = await engine.tasks('/ill');
    expect(after.id).toBe(before.id.replace(/1$/, '2'));
    const { lastTaskFailure } = (await engine.api('GET', '/v2/apps/ill')).body.app;
    expect(lastTaskFailure).toMatchObject({
      state: 'TASK_KILLED',
      taskId: before.id,
      message: 'Task was killed since health check failed. Reason: HTTP 404 from /index.html',
    });
    const since = events.slice(known);
    const types = since.filter(({ data }) => data.appId === '/ill').map(({ type }) => type);
    expect(types.filter((type) => type === 'failed_health_check_event')).toHaveLength(2);
    expect(types).toContain('unhealthy_instance_kill_event');
    expect(
      events.filter(({ type }) => type === 'health_status_changed_event').length,
    ).toBeGreaterThan(1);
  });
});

describe('a deployment', () => {
  it('is not ready where no request can carry the path that is asked for', async () => {
    const app = bridged('/unaskable', serve(8080));
    app.container.portMappings[0].name = 'http-api';
    app.readinessChecks = [{ path: '/is ready' }];
    await engine.api('POST', '/v2/apps', app);
    await until(async () => {
      const { body } = await engine.api('GET', '/v2/apps/unaskable?embed=app.readiness');
      return body.app.readinessCheckResults?.[0]?.ready === false;
    });
  });

  it('waits for readiness, and says who is not ready', async () => {
    const app = bridged('/ready', serve(8080));
    app.container.portMappings[0].name = 'http-api';
    app.readinessChecks = [
      { path: '/go', intervalSeconds: 2, timeoutSeconds: 1, preserveLastResponse: true },
    ];
    await engine.api('POST', '/v2/apps', app);
    const current = async () => {
      const { body } = await engine.api('GET', '/v2/deployments');
      return body.find(({ affectedApps }: Json) => affectedApps[0] === '/ready');
    };
    const result = async () => (await current())?.currentActions[0].readinessCheckResults[0];
    await until(async () => (await result())?.lastResponse?.status === 404);
    expect(await result()).toMatchObject({ name: 'readinessCheck', ready: false });
    const [task] = await engine.tasks('/ready');
    const [container] = await containersOf(task.id);
    await exec(container, ['touch', '/www/go']);
    await until(async () => (await current()) === undefined);
  });
});

it('leaves a check out for an app without any', async () => {
  await engine.api('POST', '/v2/apps', plain('/unchecked', WAIT));
  await until(async () => (await engine.tasks('/unchecked'))[0]?.state === 'TASK_RUNNING');
  expect((await engine.tasks('/unchecked'))[0].healthCheckResults).toBeUndefined();
});
