/** The stand-in GitLab, the real stores and a resolver, and what tests of the first two legs ask of them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTemplates } from '../../src/build/dockerfile/index.ts';
import { createExpansion } from '../../src/build/expansion.ts';
import { createResolver } from '../../src/build/resolve.ts';
import { createFileCache, createSources } from '../../src/build/sources/index.ts';
import { createGitLab } from '../../src/clients/gitlab.ts';
import { createGitLabPeople } from '../../src/clients/gitlab-people.ts';
import type { JourneyEvent, PushReceived } from '../../src/core/event.ts';
import { packageFolder } from '../../src/paths.ts';
import { isUnderWay } from '../../src/under-way.ts';
import { startRedisStores } from '../fakes/redis-stores.ts';
import { type FileContent, type GitLabOptions, startGitLab } from '../stand-ins/gitlab/gitlab.ts';

const run = promisify(execFile);

export const dockerfile = { Dockerfile: 'FROM scratch\n' };

export type Host = Awaited<ReturnType<typeof startHost>>;
export type Rig = Awaited<ReturnType<Host['fresh']>>;

/** Starts what all tests of a file share. */
export async function startHost(options: Partial<GitLabOptions> = {}) {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'host-'));
  const gitlab = await startGitLab({ data, ...options });
  const redis = await startRedisStores();
  let count = 0;
  return {
    /** A project, stores that know nothing yet, and no faults. */
    async fresh() {
      gitlab.faults.clear();
      const project = await gitlab.createProject({ path: `shop/cart-${++count}` });
      const folder = join(data, 'repositories', `${project.id}.git`);
      return { data, ...createRig({ gitlab, stores: redis.fresh(), project, folder }) };
    },
    async stop() {
      await gitlab.stop();
      await redis.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

interface Parts {
  gitlab: Awaited<ReturnType<typeof startGitLab>>;
  stores: ReturnType<Awaited<ReturnType<typeof startRedisStores>>['fresh']>;
  project: { id: number; path: string };
  /** The bare repository. */
  folder: string;
}

function createRig({ gitlab, stores, project, folder }: Parts) {
  const client = createGitLab({ url: gitlab.url, token: gitlab.token });
  /** `build: reason` of each build that was cancelled. */
  const cancelled: string[] = [];
  const people = createGitLabPeople({ url: gitlab.url, token: gitlab.token });
  const openSources = createSources({
    gitlab: client,
    templates: createTemplates(join(packageFolder, 'templates/dockerfiles')),
    cache: createFileCache(),
  });
  const resolver = createResolver({
    ...{ ...stores, gitlab: client, projects: stores.knownProjects },
    limits: { instances: 100, memory: 65_536 },
    expand: createExpansion({
      ...{ openSources, args: { TEAM: 'web' }, include: {}, heredocs: async () => true },
    }),
    actorOf: (user) => ({
      user,
      isInsider: async () => (await people.person(user))?.isExternal === false,
      level: (target) => people.level(target, user),
      name: async () => `${user}`,
    }),
    cancel: async (build, reason) => void cancelled.push(`${build}: ${reason}`),
    isUnderWay: (build) => isUnderWay(stores.queues, build),
  });

  return {
    ...{ gitlab, client, stores, resolver, cancelled, project: project.id, path: project.path },
    commit: (
      files: Record<string, FileContent> = dockerfile,
      message = 'change',
      branch = 'main',
    ) => gitlab.commit(project.id, { branch, message, files }),
    /** Runs git in the repository on the server, behind GitLab's back. */
    git: (...args: string[]) =>
      run('git', [
        '-C',
        folder,
        '-c',
        'user.name=Ada',
        '-c',
        'user.email=ada@example.com',
        ...args,
      ]),
    push: (build: string, sha: string, change: Partial<PushReceived> = {}): PushReceived => ({
      type: 'push.received',
      cause: 'hook',
      build,
      project: project.id,
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      sha,
      receivedAt: 1_000,
      acceptedAt: 1_010,
      ...change,
    }),
    /** Keeps back the next answer of GitLab with this file, until it is let go. */
    hold(path: string) {
      const { file } = client;
      let isTaken = false;
      let letGo = () => {};
      const released = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      client.file = async (...asked) => {
        const bytes = await file(...asked);
        if (isTaken || asked[1] !== path) return bytes;
        isTaken = true;
        await released;
        return bytes;
      };
      return { isTaken: () => isTaken, letGo };
    },
    /** All events, in the order in which they are handed on. */
    async resolve(arrival: PushReceived, last = false): Promise<JourneyEvent[]> {
      const handedOn: JourneyEvent[] = [];
      const handOn = async (event: JourneyEvent) => void handedOn.push(event);
      const end = await resolver.resolve(arrival, handOn, { last });
      return [...handedOn, ...end];
    },
    async endOf(build: string) {
      const { state, reason } = (await stores.builds.find(build)) ?? {};
      return { state, reason };
    },
  };
}

export const short = (sha: string) => sha.slice(0, 12);
