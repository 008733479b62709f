/** How much the build role grows while it builds a repository of 500 MB in 20,000 files. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectDocker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { poll } from '../demo/poll.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { secret } from './deliveries.ts';
import { forgetPeak, peakOf, rssOf } from './measure.ts';
import {
  type Bench,
  freeAddress,
  openRedis,
  type Row,
  type Stop,
  startRolesProcess,
  stopAll,
} from './stage.ts';

const run = promisify(execFile);
const files = 20_000;
const fileBytes = 25_000;
const buildPatience = 8 * 60_000;

export async function measureBuildMemory(bench: Bench): Promise<Row[]> {
  const stops: Stop[] = [];
  try {
    const redis = await openRedis(join(bench.data, 'build'));
    stops.push(redis.stop);
    const registry = await freeAddress();
    const env = { PATH: process.env['PATH'] };
    const running = await startRegistry({
      ...{ data: join(bench.data, 'registry'), install: bench.install, log: silent },
      ...{ env, listen: registry },
    });
    stops.push(running.stop);
    const gitlab = await startGitLab({ data: join(bench.data, 'gitlab') });
    stops.push(gitlab.stop);
    const { id: project, httpUrl } = await gitlab.createProject({ path: 'bench/large' });
    const sha = await pushLargeRepository(bench, httpUrl);
    stops.push(async () => await removeImages(bench));
    const settings = {
      GITLAB_URL: gitlab.url,
      GITLAB_TOKEN: gitlab.token,
      REGISTRY_URL: registry,
    };
    const options = { bench, name: 'roles', redis: redis.url, settings };
    const web = await startRolesProcess({ ...options, roles: ['web', 'watch'] });
    stops.push(web.stop);
    // The role build listens nowhere, so it runs beside a web that nobody asks.
    const build = await startRolesProcess({ ...options, name: 'build', roles: ['build', 'web'] });
    stops.push(build.stop);
    return await measure({ gitlab, project, sha, hook: `${web.url}/hooks/gitlab`, pid: build.pid });
  } finally {
    await stopAll(stops);
  }
}

interface Measured {
  gitlab: GitLabStandIn;
  project: number;
  sha: string;
  hook: string;
  pid: number;
}

async function measure({ gitlab, project, sha, hook, pid }: Measured): Promise<Row[]> {
  gitlab.addHook(project, { url: hook, token: secret });
  const before = await rssOf(pid);
  await forgetPeak(pid);
  const started = performance.now();
  const body = { object_kind: 'push', project_id: project, ref: 'refs/heads/main', after: sha };
  await fetch(hook, {
    method: 'POST',
    headers: { 'X-Gitlab-Token': secret, 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...body, before: '0'.repeat(sha.length) }),
  });
  const end = await poll(() => endOf(gitlab, project, sha), {
    within: buildPatience,
    every: 250,
    what: 'the end of the build',
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  const growth = (((await peakOf(pid)) - before) / 1e6).toFixed(0);
  const what = `building ${(files * fileBytes) / 1e6} MB in ${files} files`;
  return [
    { what: `${what}: growth of the build role`, measured: `${growth} MB`, aim: '< 100 MB' },
    { what: `${what}: ended`, measured: `${end} after ${seconds} s`, aim: 'success' },
  ];
}

function endOf(gitlab: GitLabStandIn, project: number, sha: string): string | undefined {
  const row = gitlab.statuses(project, sha).rows.find(({ name }) => name === 'ekiden/build');
  if (row === undefined || ['pending', 'running'].includes(row.status)) return undefined;
  return row.status === 'success' ? row.status : `${row.status} (${row.description})`;
}

/** Random files, as they do not shrink on the way; only the Dockerfile is copied into the image. */
async function pushLargeRepository(bench: Bench, remote: string): Promise<string> {
  const folder = join(bench.data, 'large');
  await mkdir(folder, { recursive: true });
  const git = async (...args: string[]) => await run('git', args, { cwd: folder });
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'core.compression', '0');
  const dockerfile = `FROM ${bench.images.busybox}\nLABEL ekiden.install=${bench.install}\nCOPY Dockerfile /\n`;
  await importFiles(folder, dockerfile);
  await git('push', '--quiet', remote, 'main');
  return (await git('rev-parse', 'main')).stdout.trim();
}

async function importFiles(folder: string, dockerfile: string): Promise<void> {
  const child = spawn('git', ['fast-import', '--quiet'], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const write = async (chunk: string | Buffer) => {
    if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  };
  await write('commit refs/heads/main\ncommitter Bench <bench@example.com> 1780000000 +0000\n');
  await write(`data 5\nlarge\nM 644 inline Dockerfile\ndata ${dockerfile.length}\n${dockerfile}\n`);
  for (let n = 0; n < files; n += 1) {
    await write(`M 644 inline part-${n % 100}/${n}.bin\ndata ${fileBytes}\n`);
    await write(randomBytes(fileBytes));
    await write('\n');
  }
  child.stdin.end();
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

async function removeImages({ dockerHost, install }: Bench): Promise<void> {
  const docker = connectDocker(dockerHost);
  const filters = { label: [`ekiden.install=${install}`] };
  for (const { Id } of await docker.listImages({ filters })) {
    await docker.getImage(Id).remove({ force: true });
  }
}
