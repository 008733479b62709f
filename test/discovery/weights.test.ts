/** How requests are shared between the two apps of a service: tables, and the real nginx. */
import { expect, test, vi } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { silent } from '../../src/core/log.ts';
import type { TrafficStore, Weights } from '../../src/core/traffic.ts';
import { createDiscovery, createNginx } from '../../src/discovery/index.ts';
import { toUpstreams } from '../../src/discovery/upstreams.ts';
import { afterTest, freePort, makeFolder, startBackend, startLoad, templates } from './backends.ts';
import { appOf, startMarathon } from './marathon-server.ts';

interface Written {
  release: number;
  dataCentre?: string;
  tasks?: string[];
}

function parsed(id: string, { release, dataCentre, tasks = [`t${release}`] }: Written) {
  const labels = { 'ekiden.routes': 'a.test', 'ekiden.release': String(release) };
  const app = appSchema.parse(
    appOf(
      id,
      tasks.map((task) => ({ id: task, alive: true })),
      labels,
    ),
  );
  return dataCentre === undefined ? app : { ...app, dataCentre };
}

const two = [parsed('/a', { release: 1 }), parsed('/a.alt', { release: 2 })];
const moved = [parsed('/a', { release: 4 }), parsed('/a.alt', { release: 3 })];

test.each<[string, ReturnType<typeof parsed>[], Weights | undefined, object]>([
  ['one app counts', [parsed('/a', { release: 1 })], {}, { t1: 1 }],
  ['so does the other one alone', [parsed('/a.alt', { release: 2 })], {}, { t2: 1 }],
  ['of two the older release', two, {}, { t1: 1, t2: 0 }],
  ['whichever of the ids has it', moved, {}, { t3: 1, t4: 0 }],
  [
    'of one release the first',
    [two[0], parsed('/a.alt', { release: 1, tasks: ['x'] })] as never,
    {},
    { t1: 1, x: 0 },
  ],
  [
    'the newer one where the older has nothing that serves',
    [parsed('/a', { release: 1, tasks: [] }), parsed('/a.alt', { release: 2 })],
    {},
    { t2: 1 },
  ],
  ['as is kept by app', two, { '/a': 0, '/a.alt': 1 }, { t1: 0, t2: 1 }],
  ['as is kept of one, and the older of others', two, { '/a.alt': 1 }, { t1: 1, t2: 1 }],
  [
    'as before where those that are to take over are not there yet',
    [two[0]] as never,
    { '/a': 0, '/a.alt': 1 },
    { t1: 1 },
  ],
  ['nothing of an instance that is to go', [two[0]] as never, { t1: 0 }, { t1: 0 }],
  ['as is kept by instance first', two, { '/a': 5, t1: 0 }, { t1: 0, t2: 0 }],
  ['as was before, until they could be read', two, undefined, { t1: 7, t2: 0 }],
])('%s', (_name, apps, kept, weights) => {
  const previous = [
    { app: '/a', routes: [], members: [{ instance: 't1', address: 'x:1', weight: 7 }] },
  ];
  const known = kept && new Map([['/a', kept]]);
  const { upstreams, problems } = toUpstreams(apps, { install: 'i1', previous, weights: known });
  expect(problems).toEqual([]);
  expect(upstreams.map(({ app, routes }) => [app, routes.length])).toEqual([['/a', 1]]);
  const members = upstreams.flatMap((upstream) => upstream.members);
  expect(Object.fromEntries(members.map(({ instance, weight }) => [instance, weight]))).toEqual(
    weights,
  );
});

test('each data centre has a live app of its own', () => {
  const apps = [
    parsed('/a', { release: 1, dataCentre: 'east', tasks: ['e1'] }),
    parsed('/a.alt', { release: 2, dataCentre: 'east', tasks: ['e2'] }),
    parsed('/a', { release: 1, dataCentre: 'west', tasks: ['w1'] }),
  ];
  const shares = (kept: Weights) =>
    toUpstreams(apps, { install: 'i1', weights: new Map([['/a', kept]]) })
      .upstreams.flatMap(({ members }) => members)
      .map(({ instance, weight }) => `${instance} ${weight}`);
  expect(shares({})).toEqual(['e1 1', 'e2 0', 'w1 1']);
  expect(shares({ '/a@east': 0, '/a.alt@east': 1 })).toEqual(['e1 0', 'e2 1', 'w1 1']);
});

/** Weights that a test sets, told at once. */
function createTraffic() {
  let kept = new Map<string, Weights>();
  let tell = () => {};
  const store: Pick<TrafficStore, 'all' | 'watch'> = {
    all: async () => kept,
    watch: async (onChange, signal) => {
      tell = onChange;
      await new Promise((done) => signal.addEventListener('abort', done));
    },
  };
  const set = (weights: Weights) => {
    kept = new Map([['/a', weights]]);
    tell();
  };
  return { store, set };
}

test.each(['dynamic', 'file'] as const)(
  '%s mode switches at once, and nothing fails',
  async (mode) => {
    const [marathon, old, next] = [
      await startMarathon(),
      await startBackend('old'),
      await startBackend('new'),
    ];
    const taskAt = (id: string, address: string) => ({
      id,
      alive: true,
      port: Number(address.split(':')[1]),
    });
    const labels = (release: number) => ({
      'ekiden.routes': 'a.test',
      'ekiden.release': String(release),
    });
    marathon.set(
      appOf('/a', [taskAt('t1', old.address)], labels(1)),
      appOf('/a.alt', [taskAt('t2', next.address)], labels(2)),
    );
    const port = await freePort();
    const nginx = createNginx({
      ...{ listen: `127.0.0.1:${port}`, data: await makeFolder(), install: 'i1' },
      ...{ templates, mode, log: silent },
    });
    afterTest(() => nginx.stop());
    await nginx.start();
    const traffic = createTraffic();
    const applied: string[] = [];
    const discovery = createDiscovery({
      dataCentres: [{ name: 'default', marathon: marathon.marathon }],
      ...{ nginx, install: 'i1', log: silent, traffic: traffic.store },
      onApplied: ({ upstreams }) =>
        void applied.push(
          upstreams.flatMap(({ members }) => members.map(({ weight }) => weight)).join(),
        ),
    });
    afterTest(() => discovery.stop());
    await discovery.start();
    await vi.waitFor(() => expect(applied.at(-1)).toBe('1,0'), 25_000);
    const { seen, end } = startLoad(port, 2);
    await vi.waitFor(() => expect(old.requests.length).toBeGreaterThan(50), 25_000);
    expect(next.requests).toEqual([]);

    traffic.set({ '/a': 1, '/a.alt': 1 });
    await vi.waitFor(() => expect(next.requests.length).toBeGreaterThan(20), 25_000);
    traffic.set({ '/a': 0, '/a.alt': 1 });
    await vi.waitFor(() => expect(applied.at(-1)).toBe('0,1'), 25_000);
    const [before, switched] = [old.requests.length, next.requests.length];
    await vi.waitFor(() => expect(next.requests.length).toBeGreaterThan(switched + 50), 25_000);
    // A request that was on its way when the switch was applied may still come.
    expect(old.requests.length - before).toBeLessThanOrEqual(4);
    await end();
    // A reload closes kept connections that are idle, which the client then sees as reset.
    expect(
      mode === 'file' ? seen.failures.filter((each) => !each.startsWith('kept')) : seen.failures,
    ).toEqual([]);
  },
);
