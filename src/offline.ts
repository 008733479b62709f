/** What the command line can do without any service: expand a Dockerfile, print the manifest's schema. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  createTemplates,
  expandFile,
  FetchError,
  findRoot,
  formatExpansion,
  IncludeError,
  joinTemplates,
  renderDiagnostic,
} from './build/dockerfile/index.ts';
import { manifestFile, parseManifest } from './build/manifest.ts';
import { manifestJsonSchema } from './build/manifest-schema.ts';
import { createFileCache, createGitLabTemplates, openProjects } from './build/sources/index.ts';
import { readGitVariables } from './clients/git.ts';
import { type ConfigOf, gitlabConnection, readSettings } from './config.ts';
import { templatesFolder } from './paths.ts';

export { manifestJsonSchema };

export interface ExpandOptions {
  file: string;
  /** Top of the repository. */
  root?: string;
  /** Answers JSON with the line map instead of the bytes. */
  map?: boolean;
  /** Build args, before those of the manifest. */
  args?: Record<string, string>;
}

/** The expansion as the command prints it, and its warnings. @throws IncludeError, FetchError */
export async function expand({ map = false, ...options }: ExpandOptions) {
  const root = options.root ?? (await findRoot(dirname(resolve(options.file))));
  const [variables, manifest] = await Promise.all([readGitVariables(root), manifestIn(root)]);
  const args = { ...manifest.build.args, ...options.args };
  const sources = await sourcesOfToken();
  const expansion = await expandFile({ ...options, root, args, variables, ...sources });
  return {
    bytes: formatExpansion(expansion, { map }),
    warnings: expansion.warnings.map(renderDiagnostic),
  };
}

async function manifestIn(root: string) {
  const missing = (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  };
  return parseManifest(await readFile(join(root, manifestFile)).catch(missing));
}

/** An error of INCLUDE with its excerpt, as people read it in a terminal. */
export function explain(error: unknown): string | undefined {
  const isOfInclude = error instanceof IncludeError || error instanceof FetchError;
  return isOfInclude ? renderDiagnostic(error.diagnostic) : undefined;
}

/** With a token, what it sees; without one, the templates that are delivered. */
async function sourcesOfToken() {
  const { found } = readSettings([], undefined, { ifAllowed: true });
  const given = Object.fromEntries(
    Object.entries(found).map(([name, { value }]) => [name, value]),
  ) as Partial<ConfigOf<'gitlabUrl' | 'gitlabToken' | 'gitlabCa' | 'templatesProject'>>;
  const { gitlabUrl, gitlabToken, gitlabCa, templatesProject: project } = given;
  const templates = createTemplates(join(templatesFolder, 'dockerfiles'));
  if (!gitlabUrl || !gitlabToken) return { templates };
  // Loaded where it is needed: it takes longer than all the rest.
  const { createGitLab } = await import('./clients/gitlab.ts');
  const gitlab = createGitLab(gitlabConnection({ gitlabUrl, gitlabToken, gitlabCa }));
  const cache = createFileCache();
  const own = project === undefined ? [] : [createGitLabTemplates({ gitlab, cache, project })];
  return {
    templates: joinTemplates([...own, templates]),
    openProject: openProjects({ gitlab, cache }),
  };
}
