/** Gives apps and builds what GitLab's CI/CD variables hold for them. */
import type { GitLabVariables } from '../clients/gitlab-variables.ts';
import type { Build } from '../core/build.ts';
import type { Deployment } from '../core/deployment.ts';
import { RemoteError } from '../core/errors.ts';
import type { ReleaseStore } from '../core/release.ts';
import type { AppEnvironment, BuildSecrets, Variable } from '../core/variable.ts';
import { toAppEnvironment, variablesFor } from './variable-rules.ts';

export interface VariablesOptions {
  gitlab: GitLabVariables;
  releases: Pick<ReleaseStore, 'lastGood'>;
}

export interface Variables {
  /**
   * What an app gets of them.
   * @throws RemoteError, retryable where GitLab is away; not so where it no longer lets the token
   * read what the app's last release had, since the app would come up without it.
   */
  environmentOf(deployment: Deployment): Promise<AppEnvironment>;
  /** What a build may use; of several environments the first that has it. */
  secretsOf(build: Build): Promise<BuildSecrets>;
}

const tooLowRole =
  'GitLab does not let GITLAB_TOKEN read the CI/CD variables of the project: it needs the role Maintainer';

export function createVariables({ gitlab, releases }: VariablesOptions): Variables {
  return {
    async environmentOf({ project, ref, environment, app }) {
      const found = await readAll(gitlab, project);
      if (!found.areReadable) return withoutAny(await releases.lastGood(app));
      const isProtected = await gitlab.isProtected(project, ref);
      const answer = variablesFor({ levels: found.levels, environment, isProtected });
      const { warnings, ...rest } = toAppEnvironment(answer);
      return { ...rest, warnings: [...found.closed.map(closedGroup), ...warnings] };
    },
    async secretsOf({ project, ref, plan }) {
      const { levels, areReadable } = await readAll(gitlab, project);
      const masked = levels.flat().flatMap(({ isMasked, value }) => (isMasked && value) || []);
      const wanted = new Set(
        isOwn.test(ref) ? [authName, ...Object.values(plan?.secrets ?? {})] : [],
      );
      const isAsked = levels.flat().some(({ key }) => wanted.has(key));
      const isProtected = isAsked && (await gitlab.isProtected(project, ref));
      const found = (plan?.environments ?? []).map(
        (environment) => variablesFor({ levels, environment, isProtected }).values,
      );
      const values: Record<string, string> = {};
      for (const name of wanted) {
        const value = found.map((each) => each.get(name)?.value).find((each) => each != null);
        if (value !== undefined) values[name] = value;
      }
      const { [authName]: dockerAuth } = values;
      const login = dockerAuth ? { dockerAuth } : {};
      return { values, masked, areUnreadable: !areReadable, ...login };
    },
  };
}

/** What forks propose in merge requests (`refs/merge-requests/…`) gets nothing of the project's. */
const isOwn = /^refs\/(heads|tags)\//;

/** Where GitLab's runners look for logins too (docs.gitlab.com/ci/docker/using_docker_images). */
const authName = 'DOCKER_AUTH_CONFIG';

interface Found {
  levels: Variable[][];
  /** False where the token may not see those of the project. */
  areReadable: boolean;
  /** Groups whose variables the token may not see. */
  closed: string[];
}

async function readAll(gitlab: GitLabVariables, project: number): Promise<Found> {
  const own = await gitlab.ofProject(project);
  if (!own) return { levels: [], areReadable: false, closed: [] };
  const groups = await gitlab.groupsOf(project);
  const ofGroups = await Promise.all(groups.map((group) => gitlab.ofGroup(group)));
  return {
    levels: [...ofGroups.map((variables) => variables ?? []), own],
    areReadable: true,
    closed: groups.filter((_, index) => !ofGroups[index]),
  };
}

function withoutAny(last: { variables?: string[] } | undefined): AppEnvironment {
  if (!last?.variables?.length) return { env: {}, secrets: [], warnings: [`${tooLowRole}.`] };
  throw new RemoteError(`${tooLowRole}, and the last release had some`, {
    code: 'E_GITLAB_VARIABLES',
    hint: 'Give the user of GITLAB_TOKEN the role Maintainer in the project.',
    retryable: false,
  });
}

function closedGroup(path: string): string {
  return `The variables of the group ${path} are left out: GITLAB_TOKEN needs the role Owner there to read them.`;
}
