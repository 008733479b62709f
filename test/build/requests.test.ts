/** Builds that people ask for and give up, with the stand-in GitLab and the real stores. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BuildRequests, createBuildRequests } from '../../src/build/requests.ts';
import { isActive } from '../../src/core/build.ts';
import type { Arrival, JourneyEvent, PushReceived } from '../../src/core/event.ts';
import { createFakeQueue, type FakeQueue } from '../fakes/queue.ts';
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

  it.each(['succeeded', 'failed', 'superseded'] as const)(
    'is refused for one that %s',
    async (state) => {
      await rig.resolve(rig.push('b1', await rig.commit()));
      await rig.stores.builds.end('b1', state);
      await expect(requests.cancel('b1', by)).rejects.toMatchObject({
        ...{ status: 409, code: 'E_ENDED' },
        message: expect.stringContaining(`has ended: ${state}.`),
      });
      expect([events, published]).toEqual([[], []]);
    },
  );

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
    rig.gitlab.faults.add({ route: /files\/Dockerfile/, times: 1, delayMs: 800 });
    const slow = rig.resolve(rig.push('b2', await rig.commit({ more: 'x' })));
    await expect.poll(() => rig.stores.builds.find('b2')).toBeDefined();
    await requests.cancel('b2', by);
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

  it('that does not exist says so', async () => {
    await expect(requests.cancel('none', by)).rejects.toMatchObject({ status: 404 });
  });
});
