/** Opens commits of other projects for INCLUDE, as far as the one who caused the build may read them. */
import type { GitLab } from '../../clients/gitlab.ts';
import type { Project } from '../../core/access.ts';
import type { Fragment } from '../../core/build.ts';
import { InputError, RemoteError } from '../../core/errors.ts';
import { createOnce } from '../../core/once.ts';
import { type ProjectSource, type ProjectTree, resolvePath } from '../dockerfile/index.ts';
import type { FileCache } from './file-cache.ts';
import { type Actor, type Grant, grantOf } from './grant.ts';
import { includeRuleOf } from './include-rule.ts';
import { createRefs } from './refs.ts';
import { openRepository } from './repository.ts';

export interface ProjectsOptions {
  gitlab: Pick<GitLab, 'findProject' | 'head' | 'commit' | 'file' | 'tree'>;
  cache: FileCache;
  /** The project that is built; undefined where whoever owns the token asks for themselves. */
  includer?: { id: number; path: string };
  /** Undefined for a build that nobody is known to have caused. */
  actor?: Actor | undefined;
  /** Fragments of an earlier build, whose commits are taken again. */
  pins?: readonly Fragment[];
}

/** INCLUDE tries a name with it as well, and it may be that one which a rule names. */
const extension = '.dockerfile';

/**
 * For one build: each project, right and ref is asked for once, so that all its files are of one moment.
 * What it answers throws InputError with E_PROJECT_ACCESS or E_REF.
 */
export function openProjects(options: ProjectsOptions) {
  const { gitlab, pins = [] } = options;
  const once = createOnce();
  const find = (path: string) =>
    once(`project ${path}`, () => gitlab.findProject(path).catch(hidden));
  const grantFor = (project: Project) => once(`grant ${project.id}`, () => grant(options, project));
  const findRef = createRefs(gitlab);

  async function lookUp(path: string) {
    const project = await find(path.toLowerCase());
    return { project, mayRead: project && (await grantFor(project)) };
  }

  return async (asked: ProjectSource): Promise<ProjectTree> => {
    const path = resolvePath('', asked.path) ?? asked.path;
    const source = { ...asked, path };
    const inOtherWords = (error: unknown): never => {
      throw options.includer ? untold(error, source) : error;
    };
    const { project, mayRead } = await lookUp(source.project).catch(inOtherWords);
    if (!project || !(mayRead?.(path) || mayRead?.(path + extension))) {
      throw await noAccess(source, options).catch(inOtherWords);
    }
    const pin = pins.find(
      (fragment) => fragment.project?.id === project.id && fragment.project.ref === source.ref,
    );
    const sha = pin?.project?.sha ?? (await findRef(project, source.ref))?.sha;
    if (!sha) throw noSuchRef(source);
    return openTree({ ...options, source, project, sha, mayRead });
  };
}

async function grant(
  { gitlab, cache, includer, actor }: ProjectsOptions,
  target: Project,
): Promise<Grant> {
  if (!includer) return () => true;
  const rule = () => includeRuleOf({ gitlab, cache, project: target }).catch(hidden);
  return grantOf({ target, includer, actor, rule });
}

interface Opening extends ProjectsOptions {
  source: ProjectSource;
  project: Project;
  sha: string;
  mayRead: Grant;
}

function openTree(opening: Opening): ProjectTree {
  const { gitlab, cache, source, project, sha, mayRead } = opening;
  const files = openRepository({
    gitlab,
    cache,
    project: project.id,
    sha,
    check: async (path) => {
      if (!mayRead(path)) throw await noAccess(source, opening);
    },
  });
  const { id, path } = project;
  return {
    project: { id, path, sha, ...(source.ref === undefined ? {} : { ref: source.ref }) },
    async read(file) {
      // The longer name is tried next; where it is not there, this one was meant.
      const isNext = !mayRead(file) && mayRead(file + extension);
      if (isNext && (await files.read(file + extension))) return undefined;
      return files.read(file);
    },
    async list(folder) {
      return (await files.list?.(folder))?.filter((name) => mayRead(folder + name));
    },
  };
}

/** The same for what does not exist and for what must not be read, so that names tell nothing. */
async function noAccess(
  { project, path }: ProjectSource,
  { includer, actor }: ProjectsOptions,
): Promise<InputError> {
  const who = await nameOf(includer !== undefined, actor);
  const own = includer ? includer.path : 'group/project';
  return new InputError(`${project} does not exist, or ${who} may not include ${path} from it`, {
    code: 'E_PROJECT_ACCESS',
    hint: includer
      ? `It takes the role Reporter there, or in its .ekiden.yml, on the default branch: include: {allow: [${own}], paths: [${path}]}.`
      : 'It takes a GITLAB_TOKEN that sees the project.',
  });
}

async function nameOf(isBuild: boolean, actor: Actor | undefined): Promise<string> {
  if (!isBuild) return 'the owner of GITLAB_TOKEN';
  if (actor === undefined) return 'a build that no user of GitLab is known to have caused';
  return `the GitLab user ${await actor.name()}`;
}

function noSuchRef({ project, ref }: ProjectSource): InputError {
  const what = ref === undefined ? 'commit yet' : `branch, tag or commit ${ref}`;
  return new InputError(`${project} has no ${what}`, {
    code: 'E_REF',
    hint: 'Name it as GitLab shows it; a sha needs at least seven digits.',
  });
}

/** The same whether GitLab fails to tell of the project or, which it does only for one that exists, of the rights in it. */
function untold(error: unknown, { project }: ProjectSource): unknown {
  if (!(error instanceof RemoteError) || error.code === 'E_GITLAB_TOKEN') return error;
  const { code, retryable, retryAfter } = error;
  return new RemoteError(`GitLab does not tell at present whether ${project} may be included`, {
    code,
    retryable,
    cause: error,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** What Ekiden's own token must not see, or cannot read, is told as what is not there. */
function hidden(error: unknown): undefined {
  const isRefused = error instanceof RemoteError && error.code === 'E_GITLAB_ACCESS';
  if (isRefused || error instanceof InputError) return undefined;
  throw error;
}
