/** How counters become values, by tables of what kernels write. */
import { expect, test } from 'vitest';
import { counterFiles } from '../../src/metrics/cgroup-layout.ts';
import {
  parseCpu,
  parseDisk,
  parseLimits,
  parseMemory,
  parseNetwork,
  sampleOf,
} from '../../src/metrics/counters.ts';
import { createRing } from '../../src/metrics/ring.ts';

test('processor time', () => {
  expect(parseCpu({ version: 1, text: '1500000000\n' })).toBe(1.5);
  const text = 'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n';
  expect(parseCpu({ version: 2, text })).toBe(2.5);
  expect(parseCpu({ version: 2, text: '' })).toBeUndefined();
});

test('memory is what cannot be given back at once', () => {
  const usage = { version: 1, text: '1000\n' } as const;
  expect(
    parseMemory(usage, { version: 1, text: 'inactive_file 1\ntotal_inactive_file 400\n' }),
  ).toBe(600);
  expect(parseMemory(usage, { version: 2, text: 'anon 5\ninactive_file 300\n' })).toBe(700);
  expect(parseMemory(usage, undefined)).toBe(1_000);
  expect(parseMemory(usage, { version: 2, text: 'inactive_file 5000\n' })).toBe(0);
});

test('disk is the sum over devices', () => {
  const v1 = '8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:16 Read 1\n8:16 Write 2\nTotal 303\n';
  expect(parseDisk({ version: 1, text: v1 })).toEqual({ diskRead: 101, diskWrite: 202 });
  const v2 = '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n259:0 rbytes=1 wbytes=2\n';
  expect(parseDisk({ version: 2, text: v2 })).toEqual({ diskRead: 11, diskWrite: 22 });
  expect(parseDisk({ version: 2, text: '' })).toEqual({ diskRead: 0, diskWrite: 0 });
});

test('network is the sum over interfaces but the loopback', () => {
  const text = [
    'Inter-|   Receive                    |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs',
    '    lo:     999       9    0    0    0     0          0         0      999       9    0',
    '  eth0: 1234567     100    0    0    0     0          0         0  7654321      50    0',
    'eth1:1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0',
  ].join('\n');
  expect(parseNetwork(text)).toEqual({ networkReceive: 1_234_568, networkSend: 7_654_324 });
});

test.each([
  [
    'v1 with both',
    {
      cpu: { version: 1, text: '50000' },
      cpuPeriod: '100000\n',
      memory: { version: 1, text: '67108864\n' },
    },
    { cpu: 0.5, memory: 67_108_864 },
  ],
  [
    'v1 with none',
    {
      cpu: { version: 1, text: '-1\n' },
      cpuPeriod: '100000',
      memory: { version: 1, text: '9223372036854771712\n' },
    },
    {},
  ],
  [
    'v2 with both',
    { cpu: { version: 2, text: '150000 100000\n' }, memory: { version: 2, text: '1048576\n' } },
    { cpu: 1.5, memory: 1_048_576 },
  ],
  [
    'v2 with none',
    { cpu: { version: 2, text: 'max 100000\n' }, memory: { version: 2, text: 'max\n' } },
    {},
  ],
  ['a host without controllers', {}, {}],
] as const)('limits: %s', (_name, texts, wanted) => {
  expect(parseLimits(texts)).toEqual(wanted);
});

test('two readings make rates; what began again makes none', () => {
  const before = { at: 1_000, counters: { cpu: 1, diskRead: 10, diskWrite: 500, memory: 7 } };
  const now = { at: 11_000, counters: { cpu: 6, diskRead: 110, diskWrite: 5, memory: 9 } };
  expect(sampleOf(before, now)).toEqual({
    ...{ cpu: 0.5, memory: 9, diskRead: 10, diskWrite: null },
    ...{ networkReceive: null, networkSend: null },
  });
});

const id = 'c'.repeat(64);

test.each([
  [
    'v1, cgroupfs',
    `4:memory:/docker/${id}\n2:cpuacct,cpu:/docker/${id}\n0::/docker/${id}\n`,
    [`/r/cpuacct/docker/${id}/cpuacct.usage`, `/r/memory/docker/${id}/memory.usage_in_bytes`],
  ],
  [
    'v1, systemd',
    `4:memory:/system.slice/docker-${id}.scope\n2:cpu,cpuacct:/system.slice/docker-${id}.scope\n`,
    [
      `/r/cpuacct/system.slice/docker-${id}.scope/cpuacct.usage`,
      `/r/memory/system.slice/docker-${id}.scope/memory.usage_in_bytes`,
    ],
  ],
  [
    'v2, a slice of its own',
    `0::/ekiden.slice/docker-${id}.scope\n`,
    [`/r/cpuacct/docker/${id}/cpuacct.usage`, `/r/memory/docker/${id}/memory.usage_in_bytes`],
  ],
])('the first place to look: %s', (_name, text, [cpu, memory]) => {
  const files = counterFiles({ root: '/r', text, container: id });
  expect([files.cpu[0]?.path, files.memory[0]?.path]).toEqual([cpu, memory]);
});

test('v2 is looked for at its own mount and below a hybrid one', () => {
  const text = `0::/ekiden.slice/docker-${id}.scope\n`;
  const { cpu } = counterFiles({ root: '/r', text, container: id });
  const second = cpu.filter(({ version }) => version === 2).map(({ path }) => path);
  expect(second).toEqual([
    `/r/ekiden.slice/docker-${id}.scope/cpu.stat`,
    `/r/docker/${id}/cpu.stat`,
    `/r/system.slice/docker-${id}.scope/cpu.stat`,
    `/r/unified/ekiden.slice/docker-${id}.scope/cpu.stat`,
    `/r/unified/docker/${id}/cpu.stat`,
    `/r/unified/system.slice/docker-${id}.scope/cpu.stat`,
  ]);
});

test('a path from another namespace, or the root, is never taken for the container', () => {
  for (const path of ['/', '/../../system.slice/x.scope']) {
    const { cpu } = counterFiles({
      root: '/r',
      text: `2:cpuacct:${path}\n0::${path}\n`,
      container: id,
    });
    expect(cpu.every((file) => file.path.includes(id))).toBe(true);
  }
});

const none = {
  cpu: null,
  memory: null,
  diskRead: null,
  diskWrite: null,
  networkReceive: null,
  networkSend: null,
};

test('a ring keeps the last steps, and holes where nothing was put', () => {
  const ring = createRing({ step: 10, length: 4 });
  const put = (step: number) => ring.put(step, { ...none, cpu: step });
  const seen = () => [ring.series().start, ...ring.series().values.cpu];
  put(100);
  expect(seen()).toEqual([1_000, 100]);
  put(102);
  expect(seen()).toEqual([1_000, 100, null, 102]);
  put(102);
  put(101);
  expect(seen()).toEqual([1_000, 100, null, 102]);
  put(104);
  put(105);
  expect(seen()).toEqual([1_020, 102, null, 104, 105]);
  put(200);
  expect(seen()).toEqual([2_000, 200]);
  put(3);
  expect(seen()).toEqual([30, 3]);
  expect(ring.series().values.memory).toEqual([null]);
});
