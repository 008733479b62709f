/** How discovery follows several data centres: one upstream for each app, and one that is away empties nothing. */
import { expect, test, vi } from 'vitest';
import { silent } from '../../src/core/log.ts';
import type { Upstream } from '../../src/core/upstream.ts';
import { withUnread } from '../../src/discovery/unread.ts';
import { followUpstreams } from '../../src/discovery/watch.ts';
import { afterTest } from './backends.ts';
import { appOf, startMarathon } from './marathon-server.ts';

type Server = Awaited<ReturnType<typeof startMarathon>>;

function follow(servers: Record<string, Server>, previous: Upstream[] = []) {
  const aborter = new AbortController();
  const lists: Upstream[][] = [];
  const followed = followUpstreams({
    dataCentres: Object.entries(servers).map(([name, { marathon }]) => ({ name, marathon })),
    ...{ install: 'i1', signal: aborter.signal, previous, resyncMs: 200, log: silent },
    onChange: (upstreams) => void lists.push(upstreams),
  });
  const done = followed.run();
  afterTest(async () => {
    aborter.abort();
    await done;
  });
  const placesOf = () =>
    (lists.at(-1) ?? []).map(({ app, members }) => [
      app,
      ...members.map(({ instance, dataCentre }) => `${instance} in ${dataCentre}`),
    ]);
  return { ...followed, placesOf };
}

const task = (id: string, port = 31_000) => ({ id, alive: true, port });
const patience = { timeout: 25_000 };

test('an app of two data centres is one upstream, and each follows its own events', async () => {
  const [paris, oslo] = [await startMarathon(), await startMarathon()];
  paris.set(appOf('/a', [task('p1')]));
  oslo.set(appOf('/a', [task('o1')]), appOf('/b', [task('o2')]));
  const { placesOf } = follow({ paris, oslo });
  await expect.poll(placesOf, patience).toEqual([
    ['/a', 'o1 in oslo', 'p1 in paris'],
    ['/b', 'o2 in oslo'],
  ]);
  await expect.poll(oslo.connected, patience).toBe(true);
  oslo.emit('status_update_event', { appId: '/a', taskId: 'o1', taskStatus: 'TASK_KILLED' });
  await expect.poll(placesOf, patience).toContainEqual(['/a', 'p1 in paris']);
});

test('one that is away keeps its members while the other goes on', async () => {
  const [paris, oslo] = [await startMarathon(), await startMarathon()];
  paris.set(appOf('/a', [task('p1')]));
  oslo.set(appOf('/a', [task('o1')]));
  const { placesOf, syncs } = follow({ paris, oslo });
  await expect.poll(placesOf, patience).toEqual([['/a', 'o1 in oslo', 'p1 in paris']]);
  const known = syncs()[1]?.syncedAt ?? 0;
  expect(known).toBeGreaterThan(0);

  oslo.setAway(true);
  await expect.poll(() => syncs()[1]?.awaySince, { timeout: 25_000 }).toBeGreaterThan(0);
  paris.set(appOf('/a', [task('p1'), task('p2')]));
  await expect
    .poll(placesOf, patience)
    .toEqual([['/a', 'o1 in oslo', 'p1 in paris', 'p2 in paris']]);
  const [first, second] = syncs();
  expect(first).toMatchObject({ dataCentre: 'paris', syncedAt: expect.any(Number) });
  expect(first?.awaySince).toBeUndefined();
  expect(second).toMatchObject({ dataCentre: 'oslo', reason: expect.stringMatching(/reached/) });
  expect(second?.syncedAt).toBeLessThan(first?.syncedAt ?? 0);

  oslo.set(appOf('/a', [task('o3')]));
  oslo.setAway(false);
  await expect
    .poll(placesOf, patience)
    .toEqual([['/a', 'o3 in oslo', 'p1 in paris', 'p2 in paris']]);
  expect(syncs()[1]?.awaySince).toBeUndefined();
});

test('a new process keeps what an earlier one had of a data centre that is away', async () => {
  const [paris, oslo] = [await startMarathon(), await startMarathon()];
  paris.set(appOf('/a', [task('p2')]));
  oslo.setAway(true);
  const member = (instance: string, dataCentre: string) => ({
    ...{ instance, address: '127.0.0.1:31000', weight: 1, dataCentre },
  });
  const routes = (host: string) => [{ host, path: '/' }];
  const { placesOf } = follow({ paris, oslo }, [
    { app: '/a', routes: routes('a.test'), members: [member('o1', 'oslo'), member('p1', 'paris')] },
    { app: '/b', routes: routes('b.test'), members: [member('o2', 'oslo')] },
    { app: '/c', routes: routes('c.test'), members: [member('p3', 'paris')] },
  ]);
  await expect.poll(placesOf, patience).toEqual([
    ['/a', 'o1 in oslo', 'p2 in paris'],
    ['/b', 'o2 in oslo'],
  ]);
  oslo.setAway(false);
  await expect.poll(placesOf, { timeout: 25_000 }).toEqual([['/a', 'p2 in paris']]);
});

test('nothing is called back before one of them has answered', async () => {
  const [paris, oslo] = [await startMarathon(), await startMarathon()];
  for (const server of [paris, oslo]) server.setAway(true);
  const { placesOf, syncs } = follow({ paris, oslo });
  await vi.waitFor(() => {
    for (const sync of syncs()) expect(sync.awaySince).toBeGreaterThan(0);
  }, 25_000);
  expect(placesOf()).toEqual([]);
});

test('without a note of where a member ran, it stays until all have answered', () => {
  const member = (instance: string) => ({ instance, address: '127.0.0.1:1', weight: 1 });
  const upstream = (...instances: string[]) => ({
    ...{ app: '/a', routes: [{ host: 'a.test', path: '/' }], members: instances.map(member) },
  });
  const known = { previous: [upstream('old', 'p1')], apps: [{ tasks: [] }] };
  expect(withUnread([upstream('p1')], { ...known, unread: ['oslo'] })).toEqual([
    upstream('old', 'p1'),
  ]);
  expect(withUnread([upstream('p1')], { ...known, unread: [] })).toEqual([upstream('p1')]);
});
