/** The Marathon client against the real engine behind a proxy that fails as networks and elections do. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createMarathon, type MarathonOptions } from '../../src/clients/marathon.ts';
import { silent } from '../../src/core/log.ts';
import { startTestEngine, type TestEngine } from '../engine/harness.ts';
import {
  type Fault,
  type MarathonProxy,
  noLeader,
  startMarathonProxy,
  tooMany,
} from '../stand-ins/marathon/proxy.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

async function proxied(): Promise<MarathonProxy> {
  const proxy = await startMarathonProxy(engine.url);
  onTestFinished(() => proxy.stop());
  return proxy;
}

function clientOf(proxies: MarathonProxy[], more: Partial<MarathonOptions> = {}) {
  const addresses = proxies.map(({ url }) => url);
  const marathon = createMarathon({ addresses, log: silent, ...more });
  onTestFinished(() => marathon.close());
  return marathon;
}

let count = 0;
/** An app without instances, so that nothing has to be started. */
function nextApp(change: object = {}) {
  count += 1;
  return { id: `/faults/a${count}`, cmd: 'sleep 1000', instances: 0, ...change };
}

const faults: [string, Fault][] = [
  ['502 of a standby in an election', noLeader],
  ['503', { kind: 'answer', status: 503, body: { message: 'busy' } }],
  ['503 with Retry-After', { kind: 'answer', status: 503, headers: { 'retry-after': '1' } }],
  ['a reset before Marathon heard of it', { kind: 'refused' }],
  ['a reset after Marathon took it', { kind: 'lost' }],
  ['half an answer', { kind: 'cut' }],
  ['the login page of a gateway', { kind: 'answer', status: 200, body: '<title>Sign in</title>' }],
  ['a redirect to a login', { kind: 'answer', status: 302, headers: { location: '/login' } }],
  ['too many deployments', tooMany],
];

test.each(faults)('a definition is there once, whatever comes between: %s', async (_, fault) => {
  const proxy = await proxied();
  const marathon = clientOf([proxy]);
  const app = nextApp({ labels: { try: 'me' } });
  const met = proxy.fail(/^PUT /, fault, 2);
  await marathon.putApp(app);
  expect(met()).toBe(2);
  const found = await marathon.app(app.id);
  expect(found).toMatchObject({ labels: { try: 'me' } });
  const { body } = await engine.api('GET', `/v2/apps${app.id}/versions`);
  expect(new Set(body.versions).size).toBeLessThanOrEqual(2);
});

test.each(faults)('a scale is what was asked for, whatever comes between: %s', async (_, fault) => {
  const proxy = await proxied();
  const marathon = clientOf([proxy]);
  // It waits for a node that there is not, so the first scaling holds the app when it is asked again.
  const app = nextApp({ constraints: [['hostname', 'LIKE', 'nowhere']] });
  await marathon.putApp(app);
  const met = proxy.fail(/^PUT /, fault);
  await marathon.scale(app.id, 3);
  expect(met()).toBe(1);
  expect(await marathon.app(app.id)).toMatchObject({ instances: 3 });
});

test('a restart whose answer was lost is done once, and known to be done', async () => {
  const proxy = await proxied();
  const marathon = clientOf([proxy], { timeouts: { answer: 1_000 } });
  const app = nextApp();
  await marathon.putApp(app);
  const version = async () => (await marathon.app(app.id))?.versionInfo?.lastConfigChangeAt;
  for (const kind of ['lost', 'hung'] as const) {
    const before = await version();
    proxy.fail(/^POST /, { kind });
    expect(await marathon.restart(app.id)).toMatchObject({ version: await version() });
    expect(await version()).not.toBe(before);
  }
  expect(proxy.writes.filter((line) => line.startsWith('POST'))).toHaveLength(2);
});

test('a restart that Marathon never heard of is said to have failed', async () => {
  const proxy = await proxied();
  const marathon = clientOf([proxy]);
  const app = nextApp();
  await marathon.putApp(app);
  proxy.fail(/^POST /, { kind: 'refused' });
  await expect(marathon.restart(app.id)).rejects.toMatchObject({ code: 'E_MARATHON_UNREACHABLE' });
});

test('what is too busy for too long says so, and when to come back', async () => {
  const proxy = await proxied();
  const marathon = clientOf([proxy]);
  proxy.fail(/^PUT /, tooMany, 10);
  await expect(marathon.putApp(nextApp())).rejects.toMatchObject({
    ...{ code: 'E_MARATHON_BUSY', status: 503, retryable: true },
  });
  proxy.fail(/^GET /, { kind: 'answer', status: 503, headers: { 'retry-after': '120' } });
  await expect(marathon.deployments()).rejects.toMatchObject({ retryAfter: 120 });
});

test.each([
  ['a page of a proxy', { kind: 'answer', status: 404, body: '<h1>Not Found</h1>' }],
  ['Marathon 1.5', { kind: 'answer', status: 404, body: { message: 'URI not found: /x' } }],
  ['Marathon 1.6', { kind: 'answer', status: 500, body: { message: 'URI not found' } }],
] as [string, Fault][])('no such endpoint is no missing app: %s', async (_, fault) => {
  const proxy = await proxied();
  proxy.fail(/^GET /, fault, 10);
  await expect(clientOf([proxy]).app('/faults/none')).rejects.toMatchObject({
    code: 'E_MARATHON_ANSWER',
  });
});

test('the words of a page are told, and none of its markup', async () => {
  const proxy = await proxied();
  proxy.fail(/^GET /, noLeader, 10);
  await expect(clientOf([proxy]).info()).rejects.toThrow(
    'Marathon answers 502 to GET /v2/info: Could not determine the current leader',
  );
});

test('what is answered in place of Marathon is told in plain words, and its address left', async () => {
  const [first, second] = [await proxied(), await proxied()];
  first.fail(/./, { kind: 'answer', status: 200, body: '<title>Sign in</title>' }, 10);
  await expect(clientOf([first]).info()).rejects.toThrow(
    'GET /v2/info is answered 200, and not by Marathon: Sign in',
  );
  expect(await clientOf([first, second]).info()).toMatchObject({ version: expect.any(String) });
  expect(await clientOf([first]).ping()).toBe(false);
  second.fail(/./, { kind: 'cut' }, 10);
  await expect(clientOf([second]).deployments()).rejects.toThrow(
    'The answer to GET /v2/deployments is cut off or damaged.',
  );
});

test('the address that answers is kept, also for writes', async () => {
  const [first, second] = [await proxied(), await proxied()];
  const marathon = clientOf([first, second]);
  first.fail(/./, noLeader, 1);
  await marathon.deployments();
  await marathon.putApp(nextApp());
  expect(first.seen).toHaveLength(1);
  expect(second.seen).toHaveLength(2);
});

/** Follows until the test ends. */
function follow(proxies: MarathonProxy[], more: Partial<MarathonOptions> = {}) {
  const aborter = new AbortController();
  const types: string[] = [];
  const done = clientOf(proxies, more).follow({
    types: [],
    onEvent: ({ eventType }) => void types.push(eventType),
    onConnect: () => undefined,
    signal: aborter.signal,
  });
  onTestFinished(() => {
    aborter.abort();
    return done;
  });
  return { types };
}

test('a stream that says nothing is left for the next address, and events come again', async () => {
  const [first, second] = [await proxied(), await proxied()];
  first.fail(/\/v2\/events/, { kind: 'silent' }, 10);
  const seen = follow([first, second], { timeouts: { silence: 300 } });
  await expect.poll(() => second.seen.length).toBeGreaterThan(0);
  await expect.poll(() => seen.types).toContain('event_stream_attached');
});

test('a page in place of the event stream is none', async () => {
  const [first, second] = [await proxied(), await proxied()];
  first.fail(/\/v2\/events/, { kind: 'answer', status: 200, body: '<title>Sign in</title>' }, 10);
  const said: string[] = [];
  const warn = (fields: object) => void said.push(JSON.stringify(fields));
  const seen = follow([first, second], { log: { ...silent, warn } });
  await expect.poll(() => seen.types).toContain('event_stream_attached');
  expect(said.join()).toContain('status 200, text/html in place of events');
});

const redirected = (to: string): Fault => ({
  ...{ kind: 'answer', status: 302, headers: { location: `${to}/v2/events` } },
});

test('credentials go with a redirect to the leader that a standby names, and to nobody else', async () => {
  const [standby, leader, stranger] = [await proxied(), await proxied(), await proxied()];
  // By another name of this host, as a leader often is; it is none of the addresses.
  const elsewhere = leader.url.replace('127.0.0.1', 'localhost');
  standby.fail(/\/v2\/events/, redirected(stranger.url.replace('127.0.0.1', 'localhost')));
  standby.fail(/\/v2\/events/, redirected(elsewhere), 10);
  standby.fail(
    /\/v2\/leader/,
    {
      ...{ kind: 'answer', status: 200, body: { leader: new URL(elsewhere).host } },
    },
    10,
  );
  const seen = follow([standby], { credentials: { user: 'anna', password: 's3cret' } });
  await expect.poll(() => seen.types).toContain('event_stream_attached');
  expect(leader.seen[0]?.authorization).toBe(`Basic ${btoa('anna:s3cret')}`);
  expect(stranger.seen).toEqual([]);
});
