/** Templates kept in a project of GitLab: `<name>.dockerfile` at the tag `<name>/<version>`. */
import { LRUCache } from 'lru-cache';
import type { GitLab } from '../../clients/gitlab.ts';
import type { Project } from '../../core/access.ts';
import { InputError, SetupError } from '../../core/errors.ts';
import { parseNotices, type TemplateSource } from '../dockerfile/index.ts';
import type { FileCache } from './file-cache.ts';

export interface GitLabTemplatesOptions {
  gitlab: Pick<GitLab, 'findProject' | 'tags' | 'file'>;
  cache: FileCache;
  /** `group/name`, as EKIDEN_TEMPLATES_PROJECT has it. */
  project: string;
}

/** Tags whose commits are remembered between the choice of a version and its reading. */
const mostTags = 5_000;

/** Milliseconds for which the project is taken to be where it was. */
const projectLife = 60_000;

/** Which versions are not to be used stands in `<name>.versions.yml` on the default branch. */
export function createGitLabTemplates(options: GitLabTemplatesOptions): TemplateSource {
  const { gitlab, cache } = options;
  const project = createFinder(options);
  const tags = createTags(gitlab);

  /** What holds for all versions stands on the default branch. */
  async function told(path: string) {
    const { id, defaultBranch } = await project();
    return defaultBranch === undefined ? undefined : gitlab.file(id, path, defaultBranch);
  }

  return {
    async versions(name) {
      const { id } = await project();
      const versions = await tags.versions(id, name);
      return versions.length > 0 ? versions : undefined;
    },
    async read(name, version) {
      const { id } = await project();
      const sha = await tags.commit(id, { name, version });
      const path = `${name}.dockerfile`;
      const load = () => gitlab.file(id, path, sha ?? '');
      const file = sha && (await cache.read({ project: id, sha, path }, load));
      if (file) return file;
      throw noFile(options.project, name, version);
    },
    async notices(name) {
      const path = `${name}.versions.yml`;
      return parseNotices(await told(path), path);
    },
    readme: async (name) => (await told(`${name}.md`))?.toString(),
    async names() {
      const { id } = await project();
      return tags.names(id);
    },
  };
}

function createFinder({ gitlab, project: path }: GitLabTemplatesOptions) {
  const known = new LRUCache<string, Project>({
    max: 1,
    ttl: projectLife,
    fetchMethod: () => gitlab.findProject(path),
  });
  return async (): Promise<Project> => {
    const found = await known.fetch(path);
    if (found) return found;
    throw new SetupError(`the templates' project ${path} cannot be seen`, {
      code: 'E_TEMPLATES_PROJECT',
      hint: 'See that EKIDEN_TEMPLATES_PROJECT exists, and that GITLAB_TOKEN may read it.',
    });
  };
}

/** Versions by the tags of the project, `<name>/<version>`. */
function createTags(gitlab: Pick<GitLab, 'tags'>) {
  const commits = new LRUCache<string, string>({ max: mostTags });

  async function versions(id: number, name: string): Promise<string[]> {
    const tags = await gitlab.tags(id, `${name}/`);
    for (const tag of tags) commits.set(`${id} ${tag.name}`, tag.sha);
    return tags.map((tag) => tag.name.slice(name.length + 1));
  }

  return {
    versions,
    async commit(id: number, { name, version }: { name: string; version: string }) {
      const tag = `${id} ${name}/${version}`;
      if (!commits.has(tag)) await versions(id, name);
      return commits.get(tag);
    },
    async names(id: number) {
      const tags = await gitlab.tags(id, '');
      return [...new Set(tags.flatMap(({ name }) => /^(.+)\/[^/]+$/.exec(name)?.[1] ?? []))];
    },
  };
}

function noFile(project: string, name: string, version: string): InputError {
  return new InputError(`template ${name}@${version} has no file at its tag`, {
    code: 'E_TEMPLATE_VERSION',
    hint: `Tell an administrator: the tag ${name}/${version} of ${project} has to hold ${name}.dockerfile.`,
  });
}
