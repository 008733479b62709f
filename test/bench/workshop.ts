/** Where builds are measured: a GitLab, a registry, Ekiden's web and build, and the same work done by hand. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectDocker } from '../../src/clients/docker.ts';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { poll } from '../demo/poll.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { secret } from './deliveries.ts';
import {
  type Bench,
  freeAddress,
  openRedis,
  type Served,
  type Stop,
  startRolesProcess,
  stopAll,
} from './stage.ts';

const run = promisify(execFile);
const patience = 8 * 60_000;

export interface Workshop {
  gitlab: GitLabStandIn;
  registry: string;
  web: Served;
  build: Served;
  /** Pushes the hook of a commit; answers milliseconds until GitLab shows the image as pushed. */
  byEkiden(project: number, sha: string): Promise<number>;
  /** Clones, builds and pushes; answers milliseconds. */
  byHand(remote: string): Promise<number>;
  /** Milliseconds of one leg of the newest build. */
  legOf(project: number, name: string): Promise<number>;
  stop: Stop;
}

/** Everything runs as users run it; only GitLab's limits on archives are off, since both sides build in a row. */
export async function openWorkshop(bench: Bench, settings: Record<string, string> = {}) {
  const stops: Stop[] = [];
  try {
    return await open(bench, settings, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

async function open(bench: Bench, settings: Record<string, string>, stops: Stop[]) {
  const redis = await openRedis(join(bench.data, 'redis'));
  stops.push(redis.stop);
  const registry = await freeAddress();
  const running = await startRegistry({
    ...{ data: join(bench.data, 'registry'), install: bench.install, log: silent },
    ...{ env: { PATH: process.env['PATH'] }, listen: registry },
  });
  stops.push(running.stop);
  const gitlab = await startGitLab({ data: join(bench.data, 'gitlab'), archivesPerMinute: 0 });
  stops.push(gitlab.stop);
  stops.push(async () => await removeImages(bench, registry));
  const given = { GITLAB_URL: gitlab.url, GITLAB_TOKEN: gitlab.token, REGISTRY_URL: registry };
  const options = { bench, redis: redis.url, settings: { ...given, ...settings } };
  const web = await startRolesProcess({ ...options, name: 'web', roles: ['web', 'watch'] });
  stops.push(web.stop);
  // The role build listens nowhere, so it runs beside a web that nobody asks.
  const build = await startRolesProcess({ ...options, name: 'build', roles: ['build', 'web'] });
  stops.push(build.stop);
  return workshopOf({
    bench,
    gitlab,
    registry,
    web,
    build,
    stop: async () => await stopAll(stops),
  });
}

interface Parts extends Pick<Workshop, 'gitlab' | 'registry' | 'web' | 'build' | 'stop'> {
  bench: Bench;
}

function workshopOf({ bench, ...parts }: Parts): Workshop {
  const { gitlab, registry, web } = parts;
  let count = 0;
  return {
    ...parts,
    async byEkiden(project, sha) {
      const started = performance.now();
      await pushHook(web.url, project, sha);
      const end = await poll(() => endOf(gitlab, project, sha), {
        ...{ within: patience, every: 5, what: 'the end of the build' },
      });
      if (end !== 'success') throw new Error(`the build ended with ${end}`);
      return performance.now() - started;
    },
    async byHand(remote) {
      const folder = join(bench.data, `hand-${++count}`);
      const image = `${registry}/hand/app:${count}`;
      const started = performance.now();
      await run('git', ['clone', '--quiet', '--depth', '1', remote, folder]);
      await docker(bench, ['build', '--quiet', '--network', 'host', '--tag', image, folder]);
      await docker(bench, ['push', '--quiet', image]);
      const took = performance.now() - started;
      await rm(folder, { recursive: true, force: true });
      return took;
    },
    async legOf(project, name) {
      const answer = await fetch(`${web.url}/api/v1/projects/${project}/builds?limit=1`, {
        headers: { Authorization: `Bearer ${gitlab.token}` },
      });
      const { items } = (await answer.json()) as {
        items: { legs: { name: string; start: string; end: string }[] }[];
      };
      const leg = items[0]?.legs.find((candidate) => candidate.name === name);
      return leg ? Date.parse(leg.end) - Date.parse(leg.start) : Number.NaN;
    },
  };
}

/** Debian's own client: those of later versions have no BuildKit without a plugin. */
async function docker({ dockerHost }: Bench, args: string[]): Promise<void> {
  const env = { ...process.env, DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: '1' };
  await run('/usr/bin/docker', args, { env, maxBuffer: 16 * 1024 * 1024 });
}

export async function pushHook(url: string, project: number, sha: string): Promise<void> {
  const body = { object_kind: 'push', project_id: project, ref: 'refs/heads/main', after: sha };
  await fetch(`${url}/hooks/gitlab`, {
    method: 'POST',
    headers: { 'X-Gitlab-Token': secret, 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...body, before: '0'.repeat(sha.length) }),
  });
}

export function endOf(gitlab: GitLabStandIn, project: number, sha: string): string | undefined {
  const row = gitlab.statuses(project, sha).rows.find(({ name }) => name === 'ekiden/build');
  if (row === undefined || ['pending', 'running'].includes(row.status)) return undefined;
  return row.status === 'success' ? row.status : `${row.status} (${row.description})`;
}

/** The images of this run, those made by hand among them. */
async function removeImages({ dockerHost, install }: Bench, registry: string): Promise<void> {
  const daemon = connectDocker(dockerHost);
  const images = await daemon.listImages({ all: false });
  const ours = images.filter(
    ({ RepoTags, Labels }) =>
      Labels?.['ekiden.install'] === install ||
      RepoTags?.some((tag) => tag.startsWith(`${registry}/`)),
  );
  for (const { Id } of ours) await daemon.getImage(Id).remove({ force: true });
}
