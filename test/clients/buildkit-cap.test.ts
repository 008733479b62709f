/** The one limit over all that BuildKit runs: which files of the kernel say it, and that it holds. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Cap, capBuildKit, capFiles } from '../../src/clients/buildkit-cap.ts';
import type { Docker } from '../../src/clients/docker.ts';

const written = (version: string, cap: Cap) =>
  capFiles({ root: '', version, cap }).map(({ path, text }) => `${path} ${text}`);

test.each<[string, Cap, string[]]>([
  [
    '1',
    { memory: 1_000, cpus: 1.5 },
    [
      '/memory/docker/buildkit/memory.limit_in_bytes 1000',
      '/memory/docker/buildkit/memory.memsw.limit_in_bytes 1000',
      '/cpu/docker/buildkit/cpu.cfs_period_us 100000',
      '/cpu/docker/buildkit/cpu.cfs_quota_us 150000',
    ],
  ],
  [
    '2',
    { memory: 1_000, cpus: 0.5 },
    [
      '/cgroup.subtree_control +memory +cpu',
      '/docker/cgroup.subtree_control +memory +cpu',
      '/docker/buildkit/memory.max 1000',
      '/docker/buildkit/memory.swap.max 0',
      '/docker/buildkit/cpu.max 50000 100000',
    ],
  ],
  [
    '2',
    { cpus: 2 },
    [
      '/cgroup.subtree_control +memory +cpu',
      '/docker/cgroup.subtree_control +memory +cpu',
      '/docker/buildkit/cpu.max 200000 100000',
    ],
  ],
  ['1', {}, []],
])('cgroup v%s, %j', (version, cap, files) => {
  expect(written(version, cap)).toEqual(files);
});

const daemon = (CgroupVersion: string, CgroupDriver = 'cgroupfs') =>
  ({ info: async () => ({ CgroupVersion, CgroupDriver }) }) as unknown as Docker;

/** A folder with the files that the kernel would have. */
async function kernel(version: string, cap: Cap, { without = '' } = {}) {
  const root = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'cgroup-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const files = capFiles({ root, version, cap });
  await mkdir(join(root, 'memory'), { recursive: true });
  for (const { path } of files) {
    await mkdir(dirname(path), { recursive: true });
    if (without === '' || !path.includes(without)) await writeFile(path, 'as it was');
  }
  return { root, files };
}

const dockerHost = 'unix:///var/run/docker.sock';
const cap = { memory: 5_000_000, cpus: 2 };

test.each(['1', '2'])('what the kernel is told in cgroup v%s', async (version) => {
  const { root, files } = await kernel(version, cap);
  expect(await capBuildKit({ docker: daemon(version), dockerHost, cap, root })).toBeUndefined();
  for (const { path, text } of files) expect(await readFile(path, 'utf8')).toContain(text);
});

test('a kernel without swap accounting does without', async () => {
  const { root } = await kernel('1', cap, { without: 'memsw' });
  expect(await capBuildKit({ docker: daemon('1'), dockerHost, cap, root })).toBeUndefined();
});

test('who cannot limit says why', async () => {
  const { root } = await kernel('1', cap, { without: 'cfs_quota' });
  const why = (docker: Docker, host = dockerHost, at = root) =>
    capBuildKit({ docker, dockerHost: host, cap, root: at });
  expect(await why(daemon('1'))).toMatch(/^its cgroup cannot be changed: ENOENT.*cfs_quota_us/);
  expect(await why(daemon('1'), 'tcp://10.0.0.1:2375')).toBe('the daemon is on another machine');
  const systemd = 'the cgroups of the daemon are made by systemd';
  expect(await why(daemon('2', 'systemd'))).toBe(systemd);
  const nowhere = join(root, 'nowhere');
  expect(await why(daemon('1'), dockerHost, nowhere)).toBe(
    `${nowhere}/memory cannot be written by this user`,
  );
});
