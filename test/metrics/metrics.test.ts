/** What instances use: by folders as cgroup v2 has them, and of real containers. */
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import type { NodeInstance, RunningContainer } from '../../src/core/node.ts';
import type { MetricName } from '../../src/core/sample.ts';
import { Gauge } from '../../src/metrics/gauge.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { until } from '../logs/rig.ts';

const app = '/shop/production/web';
const container = 'c'.repeat(64);

function instanceWith(running: RunningContainer | undefined): NodeInstance {
  const known = { id: 'shop.instance-1', app, sandbox: '/none', folders: [] };
  return running ? { ...known, running } : { ...known, endedAt: Date.now() };
}

/** A node with one instance, sampled often. */
function measure(running: RunningContainer, roots?: { cgroup: string; proc: string }) {
  let known = instanceWith(running);
  const watchers: (() => void)[] = [];
  const metrics = createMetrics({
    instances: {
      list: () => [known],
      watch(onChange) {
        watchers.push(onChange);
        return () => undefined;
      },
    },
    log: silent,
    step: 100,
    ...(roots ? { roots } : {}),
  });
  metrics.start();
  onTestFinished(() => metrics.stop());
  return {
    metrics,
    end() {
      known = instanceWith(undefined);
      for (const onChange of watchers) onChange();
    },
    async values(name: MetricName): Promise<number[]> {
      const [first] = await metrics.ofApp(app);
      return (first?.series.values[name] ?? []).filter((value) => value !== null);
    },
  };
}

/** `/sys/fs/cgroup` and `/proc` of a host that has cgroup v2 only. */
async function makeHost() {
  const root = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'cgroup-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const scope = `/system.slice/docker-${container}.scope`;
  const group = join(root, 'cgroup', scope);
  const task = join(root, 'proc/42');
  await mkdir(group, { recursive: true });
  await mkdir(join(task, 'net'), { recursive: true });
  await writeFile(join(task, 'cgroup'), `0::${scope}\n`);
  // In one step, as the kernel's files change: whoever reads meanwhile finds none of them empty.
  const write = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(group, name), text);
  };
  const writeNetwork = (receive: number, send: number) =>
    writeFileSync(join(task, 'net/dev'), `eth0: ${receive} 0 0 0 0 0 0 0 ${send} 0 0 0 0 0 0 0\n`);
  write({
    'cpu.stat': 'usage_usec 1000000\n',
    'memory.current': '5000000\n',
    'memory.stat': 'inactive_file 1000000\n',
    'io.stat': '8:0 rbytes=0 wbytes=0\n',
    'cpu.max': '50000 100000\n',
    'memory.max': '8000000\n',
  });
  writeNetwork(0, 0);
  return { write, writeNetwork, roots: { cgroup: join(root, 'cgroup'), proc: join(root, 'proc') } };
}

test('what ends before its first step leaves one value of all its life', async () => {
  const host = await makeHost();
  const running = { id: container, pid: 42, hasOwnNetwork: true };
  const instance = instanceWith(running);
  const gauge = new Gauge({ instance, roots: host.roots, step: 10_000, length: 9 });
  gauge.follow(running);
  host.write({ 'cpu.stat': 'usage_usec 2000000\n', 'memory.current': '7000000\n' });
  gauge.sampleEarly();
  gauge.sampleEarly();
  gauge.end();
  const { values, start } = gauge.metrics().series;
  expect(values.memory).toEqual([6_000_000]);
  expect(values.cpu).toEqual([expect.any(Number)]);
  expect(Math.abs(Date.now() - start)).toBeLessThan(60_000);
});

test('cgroup v2 is read as the kernel writes it', async () => {
  const host = await makeHost();
  const { metrics, values } = measure({ id: container, pid: 42, hasOwnNetwork: true }, host.roots);
  await until(async () => (await values('memory')).length > 1);
  host.write({
    'cpu.stat': 'usage_usec 2000000\n',
    'io.stat': '8:0 rbytes=4096 wbytes=8192\n',
  });
  host.writeNetwork(1_000, 2_000);
  const [measured] = await metrics.ofApp(app);
  expect(measured?.limits).toEqual({ cpu: 0.5, memory: 8_000_000 });
  expect(measured?.series.step).toBe(100);
  expect((measured?.series.start ?? 1) % 100).toBe(0);
  expect(measured?.series.values.memory.at(-1)).toBe(4_000_000);
  for (const name of ['cpu', 'diskRead', 'diskWrite', 'networkReceive', 'networkSend'] as const) {
    await until(async () => (await values(name)).some((value) => value > 0));
  }
  expect(await metrics.ofApp('/other')).toEqual([]);
  expect(await metrics.ofApp(`${app}.alt`)).toHaveLength(1);
});

test('in the network of the host nobody else is counted', async () => {
  const host = await makeHost();
  host.writeNetwork(5, 5);
  const { values } = measure({ id: container, pid: 42, hasOwnNetwork: false }, host.roots);
  await until(async () => (await values('cpu')).length > 1);
  expect(await values('networkReceive')).toEqual([]);
});

/** Where the open files of this process lie; those that close meanwhile are no matter. */
function openFiles(): string {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.join('\n');
}

test('files are closed at the end, and what was measured stays', async () => {
  const host = await makeHost();
  const { end, values } = measure({ id: container, pid: 42, hasOwnNetwork: true }, host.roots);
  await until(async () => (await values('cpu')).length > 1);
  expect(openFiles()).toContain('net/dev');
  end();
  expect(openFiles()).not.toContain(host.roots.proc);
  expect(openFiles()).not.toContain(host.roots.cgroup);
  expect((await values('cpu')).length).toBeGreaterThan(1);
});

test('a container whose process is gone is not measured', async () => {
  const host = await makeHost();
  const { metrics } = measure({ id: container, pid: 43, hasOwnNetwork: true }, host.roots);
  expect(await metrics.ofApp(app)).toEqual([]);
});

test('a real container that works hard is seen to', async () => {
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const made = await docker.createContainer({
    Image: process.env['EKIDEN_TEST_BUSYBOX'] ?? 'busybox',
    Cmd: ['sh', '-c', 'while :; do :; done'],
    Labels: { 'ekiden.install': process.env['EKIDEN_TEST_INSTALL'] ?? 'test' },
    HostConfig: { Memory: 64 * 1024 * 1024, NetworkMode: 'none' },
  });
  onTestFinished(() => made.remove({ force: true }));
  await made.start();
  const { Id: id, State } = await made.inspect();
  const { metrics, values, end } = measure({ id, pid: State.Pid, hasOwnNetwork: true });
  await until(async () => (await values('cpu')).some((value) => value > 0));
  expect((await values('memory')).at(-1)).toBeGreaterThan(0);
  expect((await values('networkReceive')).at(-1)).toBe(0);
  expect((await metrics.ofApp(app))[0]?.limits).toMatchObject({ memory: 64 * 1024 * 1024 });
  await made.kill();
  // The group is gone, which the reader notices by itself, before anybody tells.
  await until(async () => {
    const before = (await values('cpu')).length;
    await new Promise((wake) => setTimeout(wake, 350));
    return (await values('cpu')).length === before;
  });
  end();
});
