/** Puts together where Dockerfiles come from, and what they include. */
import { join } from 'node:path';
import { createTemplates, joinTemplates } from './build/dockerfile/index.ts';
import { createDryRun } from './build/dry-run.ts';
import { createExpansion } from './build/expansion.ts';
import { createHeredocSupport } from './build/image/heredoc-support.ts';
import {
  type Actor,
  createFileCache,
  createGitLabTemplates,
  createSources,
} from './build/sources/index.ts';
import { createGitLabPeople } from './clients/gitlab-people.ts';
import { type ConfigOf, gitlabConnection } from './config.ts';
import type { Access, Caller } from './core/access.ts';
import { includeOptions } from './include-options.ts';
import type { Parts } from './parts.ts';
import { templatesFolder } from './paths.ts';

/** Templates of the installation's own project go before those that are delivered. */
export function createDockerfiles({ config, gitlab, docker }: Parts, access: Access) {
  const cache = createFileCache();
  const project = config.templatesProject;
  const templates = joinTemplates([
    ...(project === undefined ? [] : [createGitLabTemplates({ gitlab, cache, project })]),
    createTemplates(join(templatesFolder, 'dockerfiles')),
  ]);
  const expand = createExpansion({
    openSources: createSources({ gitlab, templates, cache }),
    args: config.buildArgs,
    include: includeOptions(config),
    heredocs: createHeredocSupport({ docker, builder: config.builder }),
  });
  return {
    templates,
    expand,
    actors: createActors(config, access),
    dryRun: createDryRun({ gitlab, expand }),
  };
}

/** Who a build or a dry run reads for; rights are remembered as those of people who ask by themselves. */
function createActors(config: ConfigOf<'gitlabUrl' | 'gitlabToken' | 'gitlabCa'>, access: Access) {
  const people = createGitLabPeople(gitlabConnection(config));

  const ofCaller = (caller: Caller): Actor => ({
    user: caller.user,
    async isInsider() {
      const person = await people.person(caller.user);
      return person?.isActive === true && !person.isExternal;
    },
    level: (project) => access.level(caller, project),
    async name() {
      const username = caller.username || (await people.person(caller.user))?.username;
      return username ? `${username} (id ${caller.user})` : `${caller.user}`;
    },
  });

  return {
    ofCaller,
    /** Whoever caused a build, of whom only the id is kept. */
    ofUser: (user: number): Actor =>
      ofCaller({ user, username: '', name: '', mayChange: false, isService: false }),
  };
}

export type Dockerfiles = ReturnType<typeof createDockerfiles>;
