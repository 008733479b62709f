/** Builds that people ask for and give up, with the stand-in GitLab and the real stores. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BuildRequests, createBuildRequests } from '../../src/build/requests.ts';
import { type Build, isActive } from '../../src/core/build.ts';
import type { Arrival, JourneyEvent, PushReceived } from '../../src/core/event.ts';
import { createFakeQueue, type FakeQueue } from '../fakes/queue.ts';
import { sampleBuild } from '../support/samples.ts';
import { dockerfile, type Host, type Rig, startHost } from './rig.ts';

let host: Host;
let rig: Rig;
let arrivals: FakeQueue<Arrival>;
let requests: BuildRequests;
let events: JourneyEvent[];
let published: string[];

beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.stop());
beforeEach(async () => {
  rig = await host.fresh();
  arrivals = createFakeQueue<Arrival>();
  events = [];
  published = [];
  requests = createBuildRequests({
    ...{ gitlab: rig.client, builds: rig.stores.builds, heads: rig.stores.heads, arrivals },
    cancel: async (build, reason) => void published.push(`${build}: ${reason}`),
    handOn: async (event) => void events.push(event),
  });
});

const by = 'ada';
const request = (ref?: string) =>
  requests.request({ project: rig.project, by, actor: 3, ...(ref === undefined ? {} : { ref }) });
const arrived = () => arrivals.waiting()[0] as PushReceived;

describe('asking for a build', () => {
  it('builds the head of the default branch, and says who asked', async () => {
    const sha = await rig.commit();
    const { id } = await request();
    expect(await rig.stores.builds.find(id)).toMatchObject({
      ...{ id, sha, cause: 'request', by, state: 'queued', ref: 'refs/heads/main' },
    });
    expect(await rig.resolve(arrived())).toEqual([{ type: 'build.resolved', build: id }]);
    expect(await rig.stores.builds.find(id)).toMatchObject({ cause: 'request', by, order: 1 });
  });

  it('builds a commit again that was built before', async () => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    await rig.stores.builds.end('b1', 'failed', 'flaky');
    const { id } = await request();
    expect(await rig.resolve(arrived())).toEqual([{ type: 'build.resolved', build: id }]);
  });

  it.each(['other', 'refs/heads/other', 'v1', 'refs/tags/v1'])('finds %s', async (ref) => {
    const sha = await rig.commit(dockerfile, 'x', 'other');
    await rig.git('tag', 'v1', 'other');
    await request(ref);
    const kind = ref.includes('v1') ? 'refs/tags/v1' : 'refs/heads/other';
    expect(arrived()).toMatchObject({ ref: kind, sha });
  });

  it('says that there is no such ref, and queues nothing', async () => {
    await rig.commit();
    await expect(request('nothing')).rejects.toMatchObject({
      message: 'There is no branch or tag nothing.',
      status: 404,
    });
    expect(arrivals.waiting()).toEqual([]);
  });

  it('notes the project with the path that GitLab shows', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    expect((await rig.stores.knownProjects.list({ limit: 10 })).items).toEqual([
      { id: rig.project, path: rig.path },
    ]);
  });
});

describe('giving a build up', () => {
  const reason = 'canceled by ada';

  it('ends one that waits, which is not built then', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    expect(await requests.cancel('b1', by)).toMatchObject({ state: 'canceled', reason });
    expect(published).toEqual([`b1: ${reason}`]);
    expect(events).toEqual([{ type: 'build.canceled', build: 'b1' }]);
    expect(await rig.stores.builds.start('b1')).toBe(false);
  });

  it('says so once more to whom a crash kept from hearing it', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    await requests.cancel('b1', by);
    expect(await requests.cancel('b1', 'bob')).toMatchObject({ reason });
    expect(events).toHaveLength(2);
  });

  it.each([
    ['succeeded', 'Roll back to take down what it brought.'],
    ['failed', 'Nothing of it runs any more.'],
    ['superseded', 'Nothing of it runs any more.'],
  ] as const)('is refused for one that %s', async (state, hint) => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    await rig.stores.builds.end('b1', state);
    await expect(requests.cancel('b1', by)).rejects.toMatchObject({
      ...{ status: 409, code: 'E_ENDED' },
      message: expect.stringContaining(`has ended: ${state}.`),
      hint,
    });
    expect([events, published]).toEqual([[], []]);
  });

  it('of two who end it, one does', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    const [canceled, succeeded] = await Promise.allSettled([
      requests.cancel('b1', by),
      rig.stores.builds.end('b1', 'succeeded'),
    ]);
    const won = succeeded.status === 'fulfilled' && succeeded.value;
    expect(canceled.status).toBe(won ? 'rejected' : 'fulfilled');
    expect(await rig.endOf('b1')).toMatchObject({ state: won ? 'succeeded' : 'canceled' });
  });

  it('while it is resolved leaves the older build alone', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    const held = rig.hold('Dockerfile');
    const slow = rig.resolve(rig.push('b2', await rig.commit({ more: 'x' })));
    await expect.poll(held.isTaken).toBe(true);
    await requests.cancel('b2', by);
    held.letGo();
    expect(await slow).toEqual([{ type: 'build.canceled', build: 'b2' }]);
    expect(await rig.endOf('b1')).toMatchObject({ state: 'queued' });
  });

  it('of all of a project leaves those that ended, and other projects', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    await rig.stores.builds.end('b1', 'succeeded');
    await rig.resolve(rig.push('b2', await rig.commit({ more: 'x' })));
    await rig.commit(dockerfile, 'x', 'other');
    await requests.cancelAll(rig.project + 1, by);
    const states = async () =>
      (await rig.stores.builds.list(rig.project, { limit: 10 })).items.map(isActive);
    expect(await states()).toEqual([true, false]);
    await requests.cancelAll(rig.project, by);
    expect(await rig.endOf('b2')).toEqual({ state: 'canceled', reason });
    expect(await rig.endOf('b1')).toMatchObject({ state: 'succeeded' });
    expect(await rig.stores.heads.current(rig.project, 'refs/heads/main')).toBeUndefined();
  });

  it('of a whole project reaches the one that waits behind hundreds of newer ones', async () => {
    const { project, stores } = rig;
    const create = (id: string, createdAt: number, state: Build['state']) =>
      stores.builds.create(sampleBuild({ id, project, createdAt, state }));
    await create('first', 1, 'queued');
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => create(`b${index}`, 2 + index, 'skipped')),
    );
    await requests.cancelAll(project, by);
    expect((await stores.builds.find('first'))?.state).toBe('canceled');
  });

  it('that does not exist says so', async () => {
    await expect(requests.cancel('none', by)).rejects.toMatchObject({ status: 404 });
  });
});

describe('asking for a build again', () => {
  const again = (change: { exactly?: boolean; cache?: boolean } = {}) =>
    requests.retry({ build: 'b1', by, actor: 3, ...change });
  const ended = async (state: 'failed' | 'succeeded' = 'failed') => {
    const sha = await rig.commit();
    await rig.resolve(rig.push('b1', sha));
    await rig.stores.builds.end('b1', state, 'flaky');
    return sha;
  };

  it('builds the same commit of the same ref, and says of which build', async () => {
    const sha = await ended();
    const { id } = await again();
    const found = await rig.stores.builds.find(id);
    expect(found).toMatchObject({
      ...{ id, sha, ref: 'refs/heads/main', cause: 'request', by, actor: 3, retryOf: 'b1' },
    });
    expect(found).not.toHaveProperty('pins');
    expect(found).not.toHaveProperty('noCache');
    expect(await rig.resolve(arrived())).toEqual([{ type: 'build.resolved', build: id }]);
    expect(await rig.stores.builds.find(id)).toMatchObject({ retryOf: 'b1' });
  });

  it('keeps the fragments that it had, and uses no cache, where that is wanted', async () => {
    await ended('succeeded');
    const fragment = { source: 'a', file: 'a', sha256: 'f'.repeat(64) };
    const repeat = { ...fragment, source: './a' };
    const plan = (await rig.stores.builds.find('b1'))?.plan;
    const had = { fragments: [fragment], skipped: [repeat] };
    if (plan) await rig.stores.builds.update('b1', { plan: { ...plan, ...had } });
    const { id } = await again({ exactly: true, cache: false });
    const kept = { retryOf: 'b1', pins: [fragment, repeat], noCache: true };
    expect(await rig.stores.builds.find(id)).toMatchObject(kept);
    expect(arrived().again).toEqual(kept);
  });

  it('refuses what is under way', async () => {
    await rig.resolve(rig.push('b1', await rig.commit()));
    await expect(again()).rejects.toMatchObject({ status: 409, code: 'E_BUILDING' });
  });

  it('refuses a commit that is no longer the head, and one whose ref is gone', async () => {
    const sha = await ended();
    const head = await rig.commit({ ...dockerfile, 'new.txt': 'x' });
    await expect(again()).rejects.toMatchObject({
      ...{ status: 409, code: 'E_HEAD_MOVED' },
      message: `main has moved on to ${head.slice(0, 12)}, so ${sha.slice(0, 12)} is not built again.`,
      hint: expect.stringContaining('Build the head'),
    });
    await rig.stores.builds.update('b1', { ref: 'refs/heads/never' });
    await expect(again()).rejects.toMatchObject({ code: 'E_HEAD_MOVED' });
  });

  it('refuses to keep fragments that nobody knows, and a build that there is not', async () => {
    const sha = await rig.commit({ '.ekiden.yml': 'nonsense: 1\n' });
    await rig.resolve(rig.push('b1', sha));
    await expect(again({ exactly: true })).rejects.toMatchObject({ code: 'E_NO_FRAGMENTS' });
    await expect(again()).resolves.toMatchObject({ id: expect.any(String) });
    const never = requests.retry({ build: 'never', by, actor: 3 });
    await expect(never).rejects.toMatchObject({ status: 404 });
  });
});
