/** Builds that wait, are put off and are given up, as the role build has them: real queue, Docker and registry. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBuilder } from '../../src/build/builder.ts';
import { createBuildLogs } from '../../src/build/log/build-log.ts';
import { createBuildRequests } from '../../src/build/requests.ts';
import { createBuildLine } from '../../src/build-line.ts';
import { createBuildRoom } from '../../src/build-room.ts';
import { createRegistry } from '../../src/clients/registry.ts';
import { NoRoomError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import type { Ekiden } from '../../src/ekiden.ts';
import { createReport } from '../../src/gitlab/report.ts';
import type { Status } from '../../src/gitlab/statuses.ts';
import { createRelay } from '../../src/relay.ts';
import { textOfLog } from '../support/build-logs.ts';
import { type BuildHost, startBuildHost } from './registry.ts';
import { type Host, startHost } from './rig.ts';

const patience = { timeout: 25_000, interval: 20 };

let buildHost: BuildHost;
let host: Host;
beforeAll(async () => {
  buildHost = await startBuildHost();
  host = await startHost({ archivesPerMinute: 0 });
});
afterAll(async () => {
  await host.stop();
  await buildHost.stop();
});

const busy = () => new NoRoomError('1.2 GB of the disk of / are free and 5 GB are needed', {});

/** A role build with one slot; `admit` says whether there is room. */
async function open({ admit = async () => {} }: { admit?: () => Promise<void> } = {}) {
  const rig = await host.fresh();
  const { stores } = rig;
  const told: string[] = [];
  const statuses = {
    report: async ({ state, description }: Status) => void told.push(`${state}: ${description}`),
  };
  const report = createReport({ ...stores, statuses, url: 'http://ekiden' });
  const room = createBuildRoom({ admission: { admit }, every: 50, log: silent });
  const buildLine = createBuildLine({
    ...{ stores, report, log: silent, every: 50 },
    host: { name: 'here', slots: 1, shortage: room.shortage },
  });
  const registryClient = createRegistry();
  onTestFinished(() => registryClient.close());
  const builder = createBuilder({
    ...{
      ...stores,
      admit: room.admit,
      registryClient,
      gitlab: rig.client,
      docker: buildHost.docker,
    },
    ...{ registry: buildHost.registry, install: buildHost.install, args: {}, timeout: 60 },
    logs: createBuildLogs(stores.buildLogStore),
    exclusively: stores.locks.exclusively,
  });
  const relay = createRelay({
    ...{ ...stores, report, buildLine, builder, resolver: rig.resolver },
    ...{ requestDeployments: async () => [], noteFragments: async () => undefined },
  } as unknown as Ekiden);
  const requests = createBuildRequests({
    ...{ gitlab: rig.client, builds: stores.builds, heads: stores.heads },
    arrivals: stores.queues.arrivals,
    ...{ cancel: stores.cancellations.publish, handOn: relay.handOn },
  });
  const worker = stores.queues.build.work(relay.build, { concurrency: 1 });
  const unsubscribe = await stores.cancellations.subscribe((id, reason) =>
    worker.cancel(id, reason),
  );
  const stopRoom = room.keep(worker);
  const stopLine = await buildLine.keepTrue(worker.cancel);
  onTestFinished(async () => {
    await Promise.all([worker.stop(), unsubscribe(), stopLine(), stopRoom()]);
  });
  return {
    ...{ ...rig, told, requests },
    /** Pushes a commit to a branch of its own, unless one is named. */
    async push(id: string, dockerfile = '', branch = `branch-${id}`) {
      const files = {
        Dockerfile: `${buildHost.from}\n${dockerfile}`,
        '.ekiden.yml': 'environments: { review: "branch-*" }\n',
      };
      const sha = await rig.commit(files, `commit ${id}`, branch);
      await relay.resolve(rig.push(id, sha, { ref: `refs/heads/${branch}` }), {
        ...{ signal: new AbortController().signal, first: true, last: false },
      });
      // The resolver of the rig notes whom it stops.
      for (const entry of rig.cancelled.splice(0)) {
        const [stopped = '', reason = ''] = entry.split(': ');
        await stores.cancellations.publish(stopped, reason);
      }
    },
    line: () => stores.queues.build.line(),
    state: async (id: string) => (await rig.endOf(id)).state,
    logOf: (id: string) => textOfLog(stores.buildLogStore, id),
  };
}

const sleeping = (mark: string) => `RUN echo ${mark}; sleep 60\n`;

describe('a build that is given up', () => {
  it('leaves the queue while it waits, and says its end', async () => {
    const { push, line, state, requests, told } = await open();
    await push('b1', sleeping(`first ${Date.now()}`));
    await expect.poll(() => state('b1'), patience).toBe('running');
    await push('b2');
    expect((await line()).waiting).toEqual(['b2']);
    await requests.cancel('b2', 'ada');
    expect(await line()).toMatchObject({ waiting: [], delayed: [], running: [{ id: 'b1' }] });
    expect(told).toContain('canceled: canceled by ada');
    await requests.cancel('b1', 'ada');
    await expect.poll(async () => (await line()).running, patience).toEqual([]);
    await expect.poll(() => buildHost.containers(), patience).toEqual([]);
    expect(await state('b1')).toBe('canceled');
  });

  it('ends also where the word of it was lost', async () => {
    const { push, line, state, stores } = await open();
    await push('b1', sleeping(`lost ${Date.now()}`));
    await expect.poll(() => state('b1'), patience).toBe('running');
    await stores.builds.end('b1', 'canceled', 'canceled by ada');
    await expect.poll(async () => (await line()).running, patience).toEqual([]);
    await expect.poll(() => buildHost.containers(), patience).toEqual([]);
  });

  it('makes room for the next one, also where a newer commit takes its place', async () => {
    const { push, line, state, stores, project } = await open();
    await push('b1', sleeping(`first ${Date.now()}`));
    await expect.poll(() => state('b1'), patience).toBe('running');
    await push('b2', '', 'branch-x');
    await push('b3', '', 'branch-x');
    expect((await line()).waiting).toEqual(['b3']);
    expect(await state('b2')).toBe('superseded');
    await push('b4', '', 'branch-b1');
    await expect.poll(() => state('b3'), patience).toBe('succeeded');
    await expect.poll(() => state('b4'), patience).toBe('succeeded');
    expect(await state('b1')).toBe('superseded');
    // A build leaves the line, and its time is noted, after its end is told.
    await expect.poll(stores.buildTurns.builds, patience).toEqual([]);
    const usual = async () => (await stores.builders.usualTimes([project])).get(project);
    await expect.poll(usual, patience).toBeGreaterThan(0);
  });

  it('is forgotten while no host has room for it', async () => {
    const admit = async () => {
      throw busy();
    };
    const { push, line, state, requests, stores } = await open({ admit });
    await push('b1');
    await expect.poll(stores.builders.shortage, patience).toBe(busy().message);
    await expect.poll(async () => (await line()).waiting, patience).toEqual(['b1']);
    await requests.cancel('b1', 'ada');
    // Who rests may have taken it once more, to give it back.
    await expect.poll(line, patience).toEqual({ waiting: [], delayed: [], running: [] });
    expect(await state('b1')).toBe('canceled');
    await expect.poll(stores.buildTurns.builds, patience).toEqual([]);
  });

  it('ends while it is asked whether there is room', async () => {
    const { push, line, state, requests, told } = await open({
      admit: () => new Promise(() => {}),
    });
    await push('b1');
    await expect.poll(async () => (await line()).running, patience).toHaveLength(1);
    await requests.cancel('b1', 'ada');
    await expect.poll(async () => (await line()).running, patience).toEqual([]);
    expect(await state('b1')).toBe('canceled');
    expect(told.at(-1)).toBe('canceled: canceled by ada');
  });
});

describe('a build for which there is no room', () => {
  it('keeps its place in line and says the reason, until there is room', async () => {
    let hasRoom = false;
    const admit = async () => {
      if (!hasRoom) throw busy();
    };
    const { push, line, state, stores, told, logOf } = await open({ admit });
    await push('b1');
    const reason = 'waits: 1.2 GB of the disk of / are free and 5 GB are needed';
    await expect.poll(() => told.at(-1), patience).toBe(`pending: ${reason}`);
    await expect.poll(line, patience).toEqual({ waiting: ['b1'], delayed: [], running: [] });
    expect((await stores.builds.find('b1'))?.reason).toBeUndefined();
    expect((await stores.builds.find('b1'))?.waiting).toMatchObject({ position: 1, why: reason });
    hasRoom = true;
    await expect.poll(() => state('b1'), patience).toBe('succeeded');
    expect(await logOf('b1')).not.toContain('failed');
  });
});

describe('a build that GitLab asks to wait', () => {
  it('says so, and lets others go on', async () => {
    const { push, line, state, stores, gitlab, told } = await open();
    gitlab.faults.add({
      ...{ route: /archive/, status: 429, times: 1, headers: { 'Retry-After': '40' } },
    });
    await push('b1');
    await expect.poll(async () => (await line()).delayed, patience).toEqual(['b1']);
    const { reason } = (await stores.builds.find('b1')) ?? {};
    expect(reason).toMatch(/^waits to be tried again in 40 s: GitLab/);
    expect(told.at(-1)).toBe(`running: ${reason}`);
    gitlab.faults.clear();
    await push('b2');
    await expect.poll(() => state('b2'), patience).toBe('succeeded');
    expect(await state('b1')).toBe('running');
  });
});
