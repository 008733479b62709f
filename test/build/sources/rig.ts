/** Expansions over the stand-in GitLab: projects with files, people, and what comes of a Dockerfile. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTemplates,
  type Expansion,
  FetchError,
  IncludeError,
  type TemplateSource,
} from '../../../src/build/dockerfile/index.ts';
import { createExpansion } from '../../../src/build/expansion.ts';
import { type Actor, createFileCache, createSources } from '../../../src/build/sources/index.ts';
import { createGitLab } from '../../../src/clients/gitlab.ts';
import { createGitLabPeople } from '../../../src/clients/gitlab-people.ts';
import type { Fragment } from '../../../src/core/build.ts';
import {
  type FileContent,
  type GitLabStandIn,
  startGitLab,
} from '../../stand-ins/gitlab/gitlab.ts';

export interface Asked {
  /** Id of the user who causes the build. */
  actor?: number;
  pins?: Fragment[];
  file?: string;
  templates?: TemplateSource;
}

export type Host = Awaited<ReturnType<typeof startHost>>;

export async function startHost() {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'sources-'));
  const gitlab = await startGitLab({ data });
  const client = createGitLab({ url: gitlab.url, token: gitlab.token });
  const { actorOf } = createActors(gitlab);
  let count = 0;

  return {
    gitlab,
    client,
    /** A project with these files on main; others may be committed by the answer. */
    async project(files: Record<string, FileContent>, options: ProjectOptions = {}) {
      const path = options.path ?? `shop/p${++count}`;
      const { id } = await gitlab.createProject({ ...options, path });
      const commit = (change: Record<string, FileContent>, branch = 'main') =>
        gitlab.commit(id, { branch, message: 'change', files: change });
      return { id, path, sha: await commit(files), commit };
    },
    user: (options: { external?: boolean } = {}) =>
      gitlab.createUser({ username: `user-${++count}`, ...options }).id,
    /** As a build expands the Dockerfile of the commit. */
    expand(project: { id: number; path: string; sha: string }, asked: Asked = {}) {
      const { actor, pins = [], file = 'Dockerfile', templates = createTemplates('/none') } = asked;
      const expand = createExpansion({
        openSources: createSources({ gitlab: client, templates, cache: createFileCache() }),
        ...{ args: {}, include: {}, heredocs: async () => true },
      });
      return expand({
        ...{ project, sha: project.sha, pins, variables: {} },
        build: { dockerfile: file, args: {} },
        actor: actor === undefined ? undefined : actorOf(actor),
      });
    },
    async stop() {
      await gitlab.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

interface ProjectOptions {
  path?: string;
  visibility?: 'private' | 'internal' | 'public';
  repositoryAccess?: 'enabled' | 'private';
}

function createActors({ url, token }: GitLabStandIn) {
  const people = createGitLabPeople({ url, token });
  return {
    actorOf: (user: number): Actor => ({
      user,
      isInsider: async () => (await people.person(user))?.isExternal === false,
      level: (project) => people.level(project, user),
      name: async () => `user ${user}`,
    }),
  };
}

/** The error of an expansion that must fail at an INCLUDE. */
export async function failureOf(expansion: Promise<Expansion>): Promise<IncludeError | FetchError> {
  const outcome: unknown = await expansion.catch((error: unknown) => error);
  if (outcome instanceof IncludeError || outcome instanceof FetchError) return outcome;
  throw new Error('the expansion did not fail at an INCLUDE', { cause: outcome });
}
