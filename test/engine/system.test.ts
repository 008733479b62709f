/** What the engine says of itself: info, leader, metrics, headers, logging, and who is let in. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCredentials } from '../../src/engine/api/basic-auth.ts';
import { createMeter, createTimer } from '../../src/engine/metrics/meter.ts';
import { makeFolder } from '../support/redis.ts';
import { plain, startTestEngine, type TestEngine, until } from './harness.ts';
import { expectType } from './schema.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

const HEADERS = {
  'cache-control': 'no-cache, no-store, must-revalidate',
  pragma: 'no-cache',
  expires: '0',
  'x-frame-options': 'DENY',
  'x-xss-protection': '1; mode=block',
};

it.each([
  ['GET', '/v2/info', 200],
  ['GET', '/v2/leader', 200],
  ['GET', '/v2/plugins', 200],
  ['GET', '/ping', 200],
  ['GET', '/metrics', 200],
  ['GET', '/', 302],
  ['GET', '/nothing', 404],
  ['GET', '/v2/apps/none', 404],
  ['GET', '/config', 200],
  ['POST', '/v2/apps', 400, '{'],
  ['GET', '/v2/events', 405],
  ['HEAD', '/v2/events', 405],
  ['GET', '/v2/pods', 501],
  ['POST', '/v2/pods/a::status', 501],
] as const)('answers %s %s with %i and the headers of a leader', async (...asked) => {
  const [method, path, status, body] = asked;
  const url = engine.url + path;
  const response = await fetch(url, { method, redirect: 'manual', ...(body ? { body } : {}) });
  expect(response.status).toBe(status);
  const headers = Object.fromEntries(response.headers);
  expect(headers).toMatchObject({ ...HEADERS, 'x-marathon-leader': engine.url });
  const text = await response.text();
  if (status >= 400 && method !== 'HEAD') expect(JSON.parse(text).message).toMatch(/^[A-Z]/);
});

it.each([
  ['DELETE', '/v2/apps', 'OPTIONS,GET,POST,PUT,PATCH,HEAD'],
  ['POST', '/v2/apps//x', 'OPTIONS,GET,PUT,PATCH,DELETE,HEAD'],
  ['GET', '/v2/apps/x/restart', 'OPTIONS,POST'],
  ['PUT', '/v2/apps/x/versions', 'OPTIONS,GET,HEAD'],
  ['DELETE', '/v2/apps/x/versions/y', 'OPTIONS,GET,HEAD'],
  ['PUT', '/v2/apps/x/tasks', 'OPTIONS,GET,DELETE,HEAD'],
  ['GET', '/v2/apps/x/tasks/y', 'OPTIONS,DELETE'],
  ['POST', '/v2/tasks', 'OPTIONS,GET,HEAD'],
  ['GET', '/v2/tasks/delete', 'OPTIONS,POST'],
  ['GET', '/v2/deployments/x', 'OPTIONS,DELETE'],
  ['POST', '/v2/queue', 'OPTIONS,GET,HEAD'],
  ['GET', '/v2/queue/x/delay', 'OPTIONS,DELETE'],
  ['DELETE', '/v2/groups/x/apps', 'OPTIONS,GET,HEAD'],
  ['PATCH', '/v2/groups', 'OPTIONS,GET,POST,PUT,DELETE,HEAD'],
  ['PUT', '/v2/leader', 'OPTIONS,GET,DELETE,HEAD'],
  ['POST', '/v2/events', 'OPTIONS,GET,HEAD'],
  ['PATCH', '/v2/info', 'OPTIONS,GET,HEAD'],
  ['POST', '/ping', 'OPTIONS,GET,HEAD'],
])('refuses %s %s with 405, and says what it allows', async (method, path, allow) => {
  const refused = await engine.api(method, path);
  expect([refused.status, refused.body]).toEqual([405, { message: 'Method Not Allowed' }]);
  expect(refused.headers.get('allow')).toBe(allow);
  const asked = await engine.api('OPTIONS', path);
  expect([asked.status, asked.body, asked.headers.get('allow')]).toEqual([200, '', allow]);
});

it.each([
  ['POST', '/v2/apps'],
  ['PUT', '/v2/apps'],
  ['PATCH', '/v2/apps'],
  ['PUT', '/v2/apps/x'],
  ['PATCH', '/v2/apps/x'],
  ['POST', '/v2/groups'],
  ['PUT', '/v2/groups/x'],
  ['POST', '/v2/tasks/delete'],
])('refuses %s %s without a body with 400', async (method, path) => {
  for (const body of [undefined, '']) {
    const details = 'No content to map due to end-of-input';
    const { status, body: answer } = await engine.api(method, path, body);
    expect([status, answer]).toEqual([400, { message: 'Invalid JSON', details }]);
  }
});

it('says where it leads, and nothing secret', async () => {
  const { body: info } = await engine.api('GET', '/v2/info');
  expectType('info.MarathonInfo', info);
  const { host } = new URL(engine.url);
  expect(info).toMatchObject({
    ...{ name: 'marathon', elected: true, leader: host },
    http_config: { http_port: Number(new URL(engine.url).port) },
    marathon_config: { mesos_leader_ui_url: `http://${host}/`, features: ['task_killing'] },
  });
  expect(JSON.stringify(info)).not.toMatch(/password|credential/i);
  const { body } = await engine.api('GET', '/v2/leader');
  expectType('info.LeaderInfo', body);
  expect(body).toEqual({ leader: host });
  expect((await engine.api('GET', '/')).headers.get('location')).toBe('/ui/');
});

it.each([
  ['text/plain', 200, 'text/plain; charset=utf-8', 'pong'],
  ['*/*', 200, 'text/plain; charset=utf-8', 'pong'],
  ['application/json', 200, 'application/json; charset=utf-8', '"pong"'],
  ['image/png', 204, null, ''],
])('answers a ping that accepts %s with %i', async (Accept, status, type, text) => {
  const response = await fetch(`${engine.url}/ping`, { headers: { Accept } });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe(type);
  expect(await response.text()).toBe(text);
});

describe('metrics', () => {
  const read = async () => (await engine.api('GET', '/metrics')).body;

  it('count apps, instances, deployments and exchanges under the names of Marathon', async () => {
    const before = await read();
    expectType('newMetrics.NewMetrics', before);
    expect(before.version).toBe('4.0.0');
    await engine.api('POST', '/v2/apps', plain('/counted'));
    await engine.settled('/counted');
    const after = await read();
    const more = (kind: string, name: string, field: string) =>
      after[kind][name][field] - before[kind][name][field];
    expect({
      apps: more('gauges', 'marathon.apps.active.gauge', 'value'),
      running: more('gauges', 'marathon.instances.running.gauge', 'value'),
      deployments: more('counters', 'marathon.deployments.counter', 'count'),
      launched: more('counters', 'marathon.tasks.launched.counter', 'count'),
      posts: more('timers', 'marathon.http.requests.post.duration.timer.seconds', 'count'),
    }).toEqual({ apps: 1, running: 1, deployments: 1, launched: 1, posts: 1 });
    expect(after.gauges['marathon.deployments.active.gauge'].value).toBe(0);
    const size = JSON.stringify(before).length;
    expect(
      more('counters', 'marathon.http.responses.size.counter.bytes', 'count'),
    ).toBeGreaterThanOrEqual(size);
  });

  it('are there for Prometheus too', async () => {
    const { body, headers } = await engine.api('GET', '/metrics/prometheus');
    expect(headers.get('content-type')).toContain('text/plain');
    const lines = body.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE marathon_deployments_counter counter',
        '# TYPE marathon_apps_active_gauge gauge',
        '# TYPE marathon_http_responses_1xx_rate_meter_count gauge',
        'marathon_http_responses_1xx_rate_meter_count 0',
        'marathon_http_responses_1xx_rate_meter_m15_rate 0.0',
        '# TYPE marathon_http_requests_duration_timer_seconds summary',
        'marathon_persistence_gc_scan_duration_timer_seconds{quantile="0.999"} 0.000000',
      ]),
    );
    const names = lines.filter((line: string) => line && !line.startsWith('#'));
    expect(
      names.every((line: string) => /^\w+(\{quantile="[\d.]+"\})? -?[\d.e+-]+$/.test(line)),
    ).toBe(true);
  });

  it('forget rates exponentially, and keep the latest durations', () => {
    let seconds = 0;
    const now = () => seconds * 1000;
    const [meter, timer] = [createMeter(now), createTimer(now)];
    for (; seconds < 5; seconds++) meter.mark();
    expect(meter.read()).toEqual({ count: 5, mean_rate: 1, m1_rate: 1, m5_rate: 1, m15_rate: 1 });
    seconds = 65;
    const { m1_rate, m5_rate, mean_rate } = meter.read();
    expect([m1_rate, m5_rate, mean_rate].map((rate) => rate.toFixed(3))).toEqual([
      Math.exp(-1).toFixed(3),
      Math.exp(-0.2).toFixed(3),
      (5 / 65).toFixed(3),
    ]);
    for (let n = 1; n <= 2000; n++) timer.record(n);
    expect(timer.read()).toMatchObject({ count: 2000, min: 977, max: 2000, p50: 1488 });
  });
});

it('tells and takes the level of its log', async () => {
  expect((await engine.api('GET', '/logging')).body).toEqual({ ROOT: 'SILENT' });
  const change = { logger: 'ROOT', level: 'debug' };
  const reply = await engine.api('POST', '/logging', change);
  expect([reply.status, reply.body]).toEqual([200, change]);
  expect((await engine.api('POST', '/logging', { logger: 'x', level: 'loud' })).status).toBe(422);
});

describe('with credentials', () => {
  let guarded: TestEngine;
  beforeAll(async () => {
    guarded = await startTestEngine({ credentials: 'ada:pass:word' });
  });
  afterAll(() => guarded.close());

  const statusOf = async (path: string, login?: string) => {
    const headers = login ? { Authorization: `Basic ${btoa(login)}` } : {};
    const response = await fetch(guarded.url + path, { headers });
    await response.body?.cancel();
    return [response.status, response.headers.get('www-authenticate')];
  };

  it.each(['/v2/apps', '/v2/info', '/ping', '/metrics', '/v2/events'])(
    'guards %s',
    async (path) => {
      const refused = [401, 'Basic realm="Mesosphere"'];
      expect(await statusOf(path)).toEqual(refused);
      expect(await statusOf(path, 'ada:wrong')).toEqual(refused);
      expect(await statusOf(path, 'ada')).toEqual(refused);
      expect((await statusOf(path, 'ada:pass:word'))[0]).not.toBe(401);
    },
  );

  it('reads them from the first line of a file, and never tells them', async () => {
    const file = join(await makeFolder(), 'credentials');
    await writeFile(file, 'ada:pass:word\nmore');
    expect(await readCredentials(file)).toBe('ada:pass:word');
    await writeFile(file, 'secret-without-a-user\n');
    await expect(readCredentials(file)).rejects.toThrow(
      `The credentials file ${file} does not hold user:password in its first line.`,
    );
    await rm(file);
    await expect(readCredentials(file)).rejects.toThrow('cannot be read (ENOENT)');
  });
});

it('keeps connections for longer than clients do', async () => {
  const { headers } = await engine.api('GET', '/ping');
  expect(headers.get('keep-alive')).toBe('timeout=75');
});

it('lets a stream of a vanished client go', async () => {
  const active = async () =>
    (await engine.api('GET', '/metrics')).body.gauges['marathon.http.event-streams.active.gauge']
      .value;
  const before = await active();
  const leaving = new AbortController();
  const headers = { Accept: 'text/event-stream' };
  await fetch(`${engine.url}/v2/events`, { headers, signal: leaving.signal });
  expect(await active()).toBe(before + 1);
  leaving.abort();
  await until(async () => (await active()) === before);
});

it('answers a path of thousands of slashes at once', async () => {
  const { status } = await engine.api('GET', `/v2/queue${'/'.repeat(8_000)}x`);
  expect(status).toBe(404);
});
