/** Finds projects by id or path, as Ekiden's own token sees them. */
import type { GitLab } from '../clients/gitlab.ts';
import type { Project, Projects } from '../core/access.ts';
import { remembered } from './remembered.ts';

/** Milliseconds for which a project that was found is known while GitLab is away. */
const whileAway = 5 * 60_000;

/** An id, or a path with its group; GitLab allows no other characters in paths. */
const name = /^(\d{1,12}|[\w.-]+(\/[\w.-]+)+)$/;
const longestName = 1_000;

export interface ProjectsOptions {
  gitlab: Pick<GitLab, 'findProject'>;
  /** Milliseconds, from any start above 0. */
  now?: () => number;
}

export function createProjects({ gitlab, now }: ProjectsOptions): Projects {
  const find = remembered<string, Project | undefined>({
    ask: gitlab.findProject,
    keyOf: String,
    isNo: (project) => project === undefined,
    whileAway,
    now,
  });
  return {
    async find(idOrPath) {
      if (idOrPath.length > longestName || !name.test(idOrPath)) return undefined;
      return find(idOrPath);
    },
  };
}
