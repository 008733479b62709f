/** Finds projects by id or path, as Ekiden's own token sees them. */
import type { GitLab } from '../clients/gitlab.ts';
import type { Project, Projects } from '../core/access.ts';
import { RemoteError } from '../core/errors.ts';
import { remembered } from './remembered.ts';

/** Milliseconds for which a project that was found is known while GitLab is away. */
const whileAway = 5 * 60_000;

/** An id, or a path with its group; GitLab allows no other characters in paths. */
const name = /^(\d{1,12}|[\w.-]+(\/[\w.-]+)+)$/;
const longestName = 1_000;

/** Milliseconds; somebody waits for the answer, and GitLab is given longer elsewhere. */
const patience = 5_000;

export interface ProjectsOptions {
  gitlab: Pick<GitLab, 'findProject'>;
  /** Milliseconds, from any start above 0. */
  now?: () => number;
}

export function createProjects({ gitlab, now }: ProjectsOptions): Projects {
  const find = remembered<string, Project | undefined>({
    ask: (idOrPath) => inTime(gitlab.findProject(idOrPath)),
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

/** @throws RemoteError (503) when it takes too long */
async function inTime<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away()), patience);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function away(): RemoteError {
  return new RemoteError('GitLab does not answer, so Ekiden cannot find the project.', {
    code: 'E_GITLAB_AWAY',
    status: 503,
    hint: 'Try again in a moment.',
  });
}
