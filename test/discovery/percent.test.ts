/** A percentage of the requests for one of a service's two apps: tables, and both modes of the real nginx. */
import { availableParallelism } from 'node:os';
import { Agent } from 'undici';
import { expect, test, vi } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { silent } from '../../src/core/log.ts';
import type { Weights } from '../../src/core/traffic.ts';
import { createDiscovery, createNginx } from '../../src/discovery/index.ts';
import { withWholeWeights } from '../../src/discovery/renderers/whole-weights.ts';
import { toUpstreams } from '../../src/discovery/upstreams.ts';
import {
  afterTest,
  ask,
  freePort,
  makeFolder,
  startBackend,
  templates,
  upstream,
} from './backends.ts';
import { appOf, startMarathon } from './marathon-server.ts';

const labels = (release: number) => ({
  'ekiden.routes': 'a.test',
  'ekiden.release': String(release),
});

/** So many instances of release 1, `o1` and on, and so many of release 2 beside them, `n1` and on. */
function both(live: number, other: number, dataCentre = 'east') {
  const tasks = (count: number, name: string) =>
    Array.from({ length: count }, (_, at) => ({
      ...{ id: `${dataCentre}-${name}${at + 1}`, alive: true },
    }));
  return [
    { ...appSchema.parse(appOf('/a', tasks(live, 'o'), labels(1))), dataCentre },
    { ...appSchema.parse(appOf('/a.alt', tasks(other, 'n'), labels(2))), dataCentre },
  ];
}

const kept = (percent: number, more: Weights = {}): Weights => ({
  ...{ '/a@east': 1, '/a.alt@east': 1, '/a.alt@east%': percent },
  ...more,
});

function weightsOf(apps: ReturnType<typeof both>, weights: Weights | undefined) {
  const known = weights && new Map([['/a', weights]]);
  const { upstreams } = toUpstreams(apps, { install: 'i1', weights: known });
  const members = upstreams.flatMap((each) => each.members);
  return Object.fromEntries(members.map(({ instance, weight }) => [instance, weight]));
}

test.each([
  [1, 1, 1, 1.98, 0.02],
  [10, 1, 1, 1.8, 0.2],
  [10, 4, 1, 1.125, 0.5],
  [10, 9, 1, 1, 1],
  [10, 40, 1, 0.9225, 4.1],
  [10, 10, 1, 0.99, 1.1],
  [25, 3, 1, 1, 1],
  [50, 4, 2, 0.75, 1.5],
  [50, 3, 2, 5 / 6, 1.25],
  [2.5, 1, 1, 1.95, 0.05],
  [100, 4, 4, 0, 2],
])('%d %% of %i and %i instances', (percent, live, other, each, tried) => {
  const weights = weightsOf(both(live, other), kept(percent));
  expect(weights['east-o1']).toBeCloseTo(each, 12);
  expect(weights['east-n1']).toBeCloseTo(tried, 12);
  const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
  // Of other data centres nothing is taken, and nothing is given to them.
  expect(sum).toBeCloseTo(live + other, 9);
  expect((tried * other) / sum).toBeCloseTo(percent / 100, 12);
});

test.each<[string, ReturnType<typeof both>, Weights | undefined, object]>([
  [
    'whichever of the apps is the one that is tried',
    both(3, 1),
    { '/a@east': 1, '/a.alt@east': 1, '/a@east%': 75 },
    { 'east-o1': 1, 'east-o2': 1, 'east-o3': 1, 'east-n1': 1 },
  ],
  [
    'of what does not end just now',
    both(2, 2),
    kept(50, { 'east-o1': 0 }),
    { 'east-o1': 0, 'east-o2': 1.5, 'east-n1': 0.75, 'east-n2': 0.75 },
  ],
  ['all goes to what is left of both', both(0, 2), kept(10), { 'east-n1': 1, 'east-n2': 1 }],
  ['also without the one that got all', both(2, 0), kept(100), { 'east-o1': 1, 'east-o2': 1 }],
  [
    'also where that is about to end',
    both(1, 1),
    kept(100, { 'east-n1': 0 }),
    { 'east-o1': 1, 'east-n1': 0 },
  ],
  [
    'nothing is shared with who gets nothing',
    both(1, 1),
    kept(10, { '/a.alt@east': 0 }),
    { 'east-o1': 1, 'east-n1': 0 },
  ],
  [
    'nor once the other one has all',
    both(1, 1),
    kept(10, { '/a@east': 0 }),
    { 'east-o1': 0, 'east-n1': 1 },
  ],
  ['without Redis the older one has all', both(1, 1), {}, { 'east-o1': 1, 'east-n1': 0 }],
  [
    'other data centres have none of it',
    [...both(1, 1), ...both(2, 0, 'west')],
    kept(10),
    { 'east-o1': 1.8, 'east-n1': 0.2, 'west-o1': 1, 'west-o2': 1 },
  ],
])('%s', (_name, apps, weights, expected) => {
  expect(weightsOf(apps, weights)).toEqual(expected);
});

test.each([
  ['stay what they are', [1, 1, 0], [1, 1, 0]],
  ['also when they have a factor in common', [2, 4], [2, 4]],
  ['are multiplied', [1.125, 0.5], [9, 4]],
  ['by as little as possible', [5 / 6, 1.25, 0], [2, 3, 0]],
  ['also by less than 1', [1.5, 0.75], [2, 1]],
  ['of a hundredth', [1.98, 0.02], [99, 1]],
  ['and of a ten-thousandth', [1.9998, 0.0002], [9999, 1]],
  ['of many instances', [0.9999, 1.01], [99, 100]],
  ['are rounded where no factor does', [1, Math.SQRT2, 0.9], [1111, 1571, 1000]],
])('whole weights %s', (_name, weights, whole) => {
  const members = weights.map((weight) => ({ weight, instance: 'i' }));
  expect(withWholeWeights(members).map(({ weight }) => weight)).toEqual(whole);
});

async function startNginx(mode: 'dynamic' | 'file') {
  const port = await freePort();
  const nginx = createNginx({
    ...{ listen: `127.0.0.1:${port}`, data: await makeFolder(), install: 'i1' },
    ...{ templates, mode, log: silent },
  });
  afterTest(() => nginx.stop());
  await nginx.start();
  return { nginx, port };
}

test.each(['dynamic', 'file'] as const)(
  '%s mode sends the percentage to one of five instances',
  async (mode) => {
    const marathon = await startMarathon();
    const { nginx, port } = await startNginx(mode);
    const backends = await Promise.all(['o1', 'o2', 'o3', 'o4', 'n1'].map(startBackend));
    const tasks = backends.map(({ name, address }) => ({
      ...{ id: name, alive: true, port: Number(address.split(':')[1]) },
    }));
    marathon.set(
      appOf('/a', tasks.slice(0, 4), labels(1)),
      appOf('/a.alt', tasks.slice(4), labels(2)),
    );
    const weights = new Map([['/a', { ...kept(10), '/a.alt@east': 1 }]]);
    const applied: number[] = [];
    const discovery = createDiscovery({
      dataCentres: [{ name: 'east', marathon: marathon.marathon }],
      ...{ nginx, install: 'i1', log: silent },
      traffic: { all: async () => weights, watch: async () => undefined },
      onApplied: ({ upstreams }) =>
        applied.splice(0, 5, ...upstreams.flatMap((each) => each.members.map((m) => m.weight))),
    });
    afterTest(() => discovery.stop());
    await discovery.start();
    await vi.waitFor(() => expect(applied).toEqual([0.5, 1.125, 1.125, 1.125, 1.125]), 25_000);
    for (let turn = 0; turn < 20; turn += 1) {
      await Promise.all(Array.from({ length: 20 }, () => ask(port, 'a.test')));
    }
    const counts = backends.map(({ requests }) => requests.length);
    expect(counts.reduce((all, count) => all + count)).toBe(400);
    // Each worker goes round by itself, and in each round nobody is ahead or behind by more than one.
    for (const [at, count] of counts.entries()) {
      expect(Math.abs(count - (at === 4 ? 40 : 90))).toBeLessThanOrEqual(availableParallelism());
    }
  },
);

test('dynamic mode gives a small weight its turn, also while other apps change all the time', async () => {
  const { nginx, port } = await startNginx('dynamic');
  const [heavy, light, other] = await Promise.all(['heavy', 'light', 'other'].map(startBackend));
  if (!heavy || !light || !other) throw new Error('There are three.');
  // One connection is one worker, whose round is known.
  const dispatcher = new Agent({ connections: 1 });
  afterTest(() => dispatcher.destroy());
  for (let turn = 0; turn < 40; turn += 1) {
    await nginx.apply([
      upstream(
        '/a',
        ['a.test'],
        [
          [heavy, 1.8],
          [light, 0.2],
        ],
      ),
      upstream('/b', ['b.test'], [[other, turn + 1]]),
    ]);
    await ask(port, 'a.test', '/', { reset: false, dispatcher });
  }
  expect([heavy, light].map(({ requests }) => requests.length)).toEqual([36, 4]);
});
