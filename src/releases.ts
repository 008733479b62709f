/** Puts together what is known of releases: history, plans, and the way back of what is lost. */
import { createGitLabVariables } from './clients/gitlab-variables.ts';
import { gitlabConnection } from './config.ts';
import type { NumberedBy, Release, ReleaseStore } from './core/release.ts';
import type { ReleaseHistory } from './core/release-history.ts';
import { plan } from './deploy/releases/plan.ts';
import { ensureNumbered, rebuildReleases } from './deploy/releases/rebuild.ts';
import { createHistory } from './deploy/releases/releases.ts';
import { createCommitNotes } from './gitlab/commit-notes.ts';
import { createVariables } from './gitlab/variables.ts';
import type { Parts } from './parts.ts';

/** Makes lost records again of what Marathon and GitLab know. */
export function createRebuilding({ config, log, stores, gitlab, dataCentres }: Parts) {
  const options = {
    ...stores,
    ...{ dataCentres, log, install: config.install },
    async toldOf({ project, sha, environment, service }: Release) {
      const name = `ekiden/deploy/${environment}/${service}`;
      const told = await gitlab.statusesOf(project, sha, name);
      if (told.includes('success')) return 'good';
      return told.includes('failed') ? 'bad' : undefined;
    },
  };
  return {
    rebuild: (project?: number) => rebuildReleases(options, project),
    ensureNumbered: (where: NumberedBy) => ensureNumbered(options, where),
  };
}

/** The store, whose numbers go on where they were also after everything in Redis was lost. */
export function remembering(parts: Parts): ReleaseStore {
  const { releases } = parts.stores;
  const { ensureNumbered: ensure } = createRebuilding(parts);
  return {
    ...releases,
    async number(where, key) {
      await ensure(where);
      return releases.number(where, key);
    },
  };
}

export function createReleaseHistory(parts: Parts): ReleaseHistory {
  const { config, log, stores, gitlab, dataCentres } = parts;
  const rebuilding = createRebuilding(parts);
  const options = {
    ...stores,
    ...{ dataCentres, install: config.install, domain: config.domain },
    commits: createCommitNotes({ gitlab, log }),
    ensureNumbered: rebuilding.ensureNumbered,
    environmentOf: createVariables({
      gitlab: createGitLabVariables(gitlabConnection(config)),
      releases: stores.releases,
    }).environmentOf,
  };
  return {
    ...createHistory(options),
    plan: (wanted) => plan(options, wanted),
    rebuild: rebuilding.rebuild,
  };
}
