/** Reads the CI/CD variables of a project and of its groups from GitLab. */
import { Branches, GroupVariables, Projects, ProjectVariables, Tags } from '@gitbeaker/rest';
import { z } from 'zod';
import { EkidenError } from '../core/errors.ts';
import type { Variable } from '../core/variable.ts';
import { absent, asking, type GitLabOptions, requestOptions } from './gitlab-request.ts';

/** A project has 8,000 variables at most, a group 30,000 (GitLab's limits), 100 on a page. */
const pageLimit = 300;

/** What older releases do not tell has the meaning that it had there. */
const variableSchema = z.object({
  key: z.string(),
  value: z.string().nullish(),
  variable_type: z.enum(['env_var', 'file']).default('env_var'),
  protected: z.boolean().default(false),
  masked: z.boolean().default(false),
  hidden: z.boolean().nullish(),
  raw: z.boolean().default(false),
  environment_scope: z.string().default('*'),
});
const projectSchema = z.object({
  namespace: z.object({ kind: z.string(), full_path: z.string() }),
});
const refSchema = z.object({ protected: z.boolean().default(false) });

export interface GitLabVariables {
  /** Undefined where the token may not: GitLab shows them to Maintainers. */
  ofProject(project: number): Promise<Variable[] | undefined>;
  /** Full paths of the groups that the project lies in, the outermost first; none for a person's own. */
  groupsOf(project: number): Promise<string[]>;
  /** Undefined where the token may not: GitLab shows them to Owners of the group. */
  ofGroup(path: string): Promise<Variable[] | undefined>;
  /** Whether a full ref is a protected branch or tag; one that is gone is not. */
  isProtected(project: number, ref: string): Promise<boolean>;
}

export function createGitLabVariables(connection: GitLabOptions): GitLabVariables {
  const options = requestOptions(connection);
  const ofProjects = new ProjectVariables(options);
  const ofGroups = new GroupVariables(options);
  const projects = new Projects(options);
  const branches = new Branches(options);
  const tags = new Tags(options);
  const all = { perPage: 100, maxPages: pageLimit };

  return {
    ofProject: (project) =>
      asking(`the variables of project ${project}`, () => ofProjects.all(project, all))
        .then(toVariables)
        .catch(forbidden),
    async groupsOf(project) {
      const answer = await asking(`project ${project}`, () => projects.show(project));
      const { namespace } = projectSchema.parse(answer);
      if (namespace.kind !== 'group') return [];
      const names = namespace.full_path.split('/');
      return names.map((_, index) => names.slice(0, index + 1).join('/'));
    },
    ofGroup: (path) =>
      asking(`the variables of group ${path}`, () => ofGroups.all(path, all))
        .then(toVariables)
        .catch(forbidden)
        .catch(absent),
    async isProtected(project, ref) {
      const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
      const found = await asking<unknown>(`${ref} of project ${project}`, () =>
        kind === 'tags' ? tags.show(project, name) : branches.show(project, name),
      ).catch(absent);
      return found !== undefined && refSchema.parse(found).protected;
    },
  };
}

function toVariables(answer: unknown): Variable[] {
  return z
    .array(variableSchema)
    .parse(answer)
    .map((found) => ({
      key: found.key,
      value: found.hidden ? null : (found.value ?? null),
      type: found.variable_type,
      isProtected: found.protected,
      isMasked: found.masked || found.hidden === true,
      isRaw: found.raw,
      scope: found.environment_scope,
    }));
}

/** A `catch` for a role that is too low. */
function forbidden(error: unknown): undefined {
  if (error instanceof EkidenError && error.code === 'E_GITLAB_ACCESS') return undefined;
  throw error;
}
