/** How discovery follows Marathon: at once out, in only when confirmed, never emptied by silence. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Log, silent } from '../../src/core/log.ts';
import type { Upstream } from '../../src/core/upstream.ts';
import { createDiscovery, createNginx } from '../../src/discovery/index.ts';
import { followUpstreams } from '../../src/discovery/watch.ts';
import { afterTest, ask, freePort, makeFolder, startBackend, templates } from './backends.ts';
import { appOf, startMarathon } from './marathon-server.ts';

type Server = Awaited<ReturnType<typeof startMarathon>>;

function follow(server: Server, more: { resyncMs?: number; log?: Log } = {}) {
  const aborter = new AbortController();
  const lists: string[][] = [];
  const onChange = (upstreams: Upstream[]) => {
    lists.push(upstreams.flatMap(({ members }) => members.map(({ instance }) => instance)));
  };
  const following = followUpstreams({
    dataCentres: [{ name: 'default', marathon: server.marathon }],
    install: 'i1',
    signal: aborter.signal,
    onChange,
    log: silent,
    ...more,
  });
  const done = following.run();
  afterTest(async () => {
    aborter.abort();
    await done;
  });
  return { lists, members: () => lists.at(-1) };
}

/** Follows, and waits for the snapshot that comes after the stream is open. */
async function followed(server: Server, more: { resyncMs?: number; log?: Log } = {}) {
  const following = follow(server, more);
  await vi.waitFor(() => {
    expect(server.connected()).toBe(true);
    expect(server.seen.all).toBeGreaterThanOrEqual(2);
  }, 25_000);
  return following;
}

const update = (taskId: string, taskStatus: string) => ({ appId: '/a', taskId, taskStatus });
const t1 = { id: 't1', alive: true };
const t2 = { id: 't2', alive: true };

test('a task leaves at the event, while the answer still lists it', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1, t2]));
  const { members } = await followed(server);
  expect(members()).toEqual(['t1', 't2']);
  const open = server.hold();
  server.emit('status_update_event', update('t1', 'TASK_KILLING'));
  await vi.waitFor(() => expect(members()).toEqual(['t2']), 25_000);
  await vi.waitFor(() => expect(server.seen.one.get('/a')).toBe(1), 25_000);
  open();
  // Marathon goes on listing it as running, and is asked again and again.
  server.set(appOf('/a', [t1, t2, { id: 't3', alive: true }]));
  server.emit('status_update_event', update('t3', 'TASK_RUNNING'));
  await vi.waitFor(() => expect(members()).toEqual(['t2', 't3']), 25_000);
});

test('a task comes in only when an answer says that it is healthy', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1, { id: 't2' }]));
  const { members } = await followed(server);
  server.emit('health_status_changed_event', { appId: '/a', instanceId: 't2', alive: true });
  await vi.waitFor(() => expect(server.seen.one.get('/a')).toBe(1), 25_000);
  expect(members()).toEqual(['t1']);
  server.set(appOf('/a', [t1, t2]));
  server.emit('instance_health_changed_event', {
    runSpecId: '/a',
    instanceId: 't2',
    healthy: true,
  });
  await vi.waitFor(() => expect(members()).toEqual(['t1', 't2']), 25_000);
});

test('an answer that is older than an event does not count', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1, t2]));
  const { lists, members } = await followed(server);
  const open = server.hold();
  server.emit('status_update_event', update('t2', 'TASK_RUNNING'));
  await vi.waitFor(() => expect(server.seen.one.get('/a')).toBe(1), 25_000);
  server.set(appOf('/a', [{ id: 't1', alive: false }, t2]));
  server.emit('health_status_changed_event', { appId: '/a', instanceId: 't1', alive: false });
  await vi.waitFor(() => expect(members()).toEqual(['t2']), 25_000);
  open();
  await vi.waitFor(() => expect(server.seen.one.get('/a')).toBe(2), 25_000);
  server.set(appOf('/a', [t1, t2]));
  server.emit('health_status_changed_event', { appId: '/a', instanceId: 't1', alive: true });
  await vi.waitFor(() => expect(members()).toEqual(['t1', 't2']), 25_000);
  expect(lists).toEqual([['t1', 't2'], ['t2'], ['t1', 't2']]);
});

test('the last task stays until an answer says what serves instead', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { lists, members } = await followed(server);
  server.set(appOf('/a', [{ ...t1, state: 'TASK_KILLING' }, t2]));
  const open = server.hold();
  server.emit('status_update_event', update('t1', 'TASK_KILLING'));
  await vi.waitFor(() => expect(server.seen.one.get('/a')).toBe(1), 25_000);
  expect(members()).toEqual(['t1']);
  open();
  await vi.waitFor(() => expect(members()).toEqual(['t2']), 25_000);
  expect(lists).toEqual([['t1'], ['t2']]);
});

test('events without a pause do not keep answers out', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { members } = await followed(server);
  server.set(appOf('/a', [t1, t2]));
  const timer = setInterval(() => {
    server.emit('health_status_changed_event', { appId: '/a', instanceId: 't9', alive: false });
  }, 0);
  onTestFinished(() => clearInterval(timer));
  await vi.waitFor(() => expect(members()).toEqual(['t1', 't2']), 25_000);
});

test('an instance that is started anew comes in as its next task', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [{ id: 'a.instance-1._app.1', alive: true }]));
  const { members } = await followed(server);
  const killed = { runSpecId: '/a', instanceId: 'a.instance-1', condition: 'Killed' };
  server.emit('instance_changed_event', killed);
  await vi.waitFor(() => expect(members()).toEqual([]), 25_000);
  server.set(appOf('/a', [{ id: 'a.instance-1._app.2', alive: true }]));
  server.emit('instance_changed_event', { ...killed, condition: 'Running' });
  await vi.waitFor(() => expect(members()).toEqual(['a.instance-1._app.2']), 25_000);
});

test('a burst of events costs few questions', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { members } = await followed(server);
  for (let count = 0; count < 200; count += 1) {
    server.emit('status_update_event', update('t1', 'TASK_RUNNING'));
  }
  server.set(appOf('/a', [t1, t2]));
  server.emit('status_update_event', update('t2', 'TASK_RUNNING'));
  await vi.waitFor(() => expect(members()).toEqual(['t1', 't2']), 25_000);
  expect(server.seen.one.get('/a')).toBeLessThanOrEqual(5);
});

test('apps come and go by their events, and foreign tasks cost nothing', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { members } = await followed(server);
  server.emit('status_update_event', { appId: '/x', taskId: 'x1', taskStatus: 'TASK_RUNNING' });
  server.set(appOf('/b', [{ id: 'b1', alive: true }]));
  server.emit('api_post_event', { appDefinition: { id: '/b' } });
  await vi.waitFor(() => expect(members()).toEqual(['t1', 'b1']), 25_000);
  server.remove('/a');
  server.emit('app_terminated_event', { appId: '/a' });
  await vi.waitFor(() => expect(members()).toEqual(['b1']), 25_000);
  expect(server.seen.one.get('/x')).toBeUndefined();
});

test('what no event told is found by the full reading', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { members } = await followed(server, { resyncMs: 50 });
  server.set(appOf('/a', [t1, t2]));
  await vi.waitFor(() => expect(members()).toEqual(['t1', 't2']), 25_000);
});

test('the list stays while Marathon is away, and is read again when it is back', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const { lists, members } = await followed(server);
  server.setAway(true);
  const read = server.seen.all;
  server.set(appOf('/a', [t2]));
  server.setAway(false);
  await vi.waitFor(() => expect(members()).toEqual(['t2']), 25_000);
  expect(server.seen.all).toBeGreaterThan(read);
  expect(lists).toEqual([['t1'], ['t2']]);
});

test('a Marathon that suddenly knows nothing is asked twice', async () => {
  const server = await startMarathon();
  server.set(appOf('/a', [t1]));
  const warn = vi.fn();
  const { members } = await followed(server, { resyncMs: 50, log: { ...silent, warn } });
  server.remove('/a');
  await vi.waitFor(() => expect(members()).toEqual([]), 25_000);
  expect(warn.mock.calls.map(([, message]) => message)).toEqual([
    'Marathon suddenly knows no app; the old ones are kept until it says so again',
  ]);
});

test('from an event of Marathon to an answer of nginx', async () => {
  const server = await startMarathon();
  const [old, young] = [await startBackend('old'), await startBackend('young')];
  const portOf = (address: string) => Number(address.split(':')[1]);
  const oldTask = { id: 't1', alive: true, host: 'localhost', port: portOf(old.address) };
  const youngTask = { id: 't2', alive: true, port: portOf(young.address) };
  const port = await freePort();
  const nginx = createNginx({
    listen: `127.0.0.1:${port}`,
    data: await makeFolder(),
    install: 'i1',
    templates,
    mode: 'auto',
    log: silent,
  });
  afterTest(() => nginx.stop());
  await nginx.start();
  server.set(appOf('/a', [oldTask]));
  const onApplied = vi.fn();
  const { marathon } = server;
  const discovery = createDiscovery({
    dataCentres: [{ name: 'default', marathon }],
    ...{ nginx, install: 'i1', log: silent, onApplied },
  });
  afterTest(() => discovery.stop());
  await discovery.start();
  await vi.waitFor(async () => expect((await ask(port, 'a.test')).body).toBe('old'), 25_000);
  expect(onApplied.mock.calls[0]?.[0]).toMatchObject({
    upstreams: [{ app: '/a', members: [{ instance: 't1' }] }],
    at: expect.any(Number),
  });
  await vi.waitFor(() => expect(server.connected()).toBe(true), 25_000);

  server.set(appOf('/a', [youngTask]));
  server.emit('status_update_event', update('t1', 'TASK_KILLING'));
  await vi.waitFor(async () => expect((await ask(port, 'a.test')).body).toBe('young'), 25_000);
  await discovery.stop();
  expect((await ask(port, 'a.test')).body).toBe('young');
});
