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
import { SetupError } from './core/errors.ts';
import { includeOptions } from './include-options.ts';
import { templatesFolder } from './paths.ts';

export { manifestJsonSchema };

export interface ExpandOptions {
  file: string;
  /** Top of the repository. */
  root?: string;
  /** Answers JSON with the line map instead of the bytes. */
  map?: boolean;
  /** Build args, before those of the manifest and of EKIDEN_BUILD_ARGS. */
  args?: Record<string, string>;
}

/** The expansion as the command prints it, and its warnings. @throws IncludeError, FetchError */
export async function expand({ map = false, ...options }: ExpandOptions) {
  const root = options.root ?? (await findRoot(dirname(resolve(options.file))));
  const [variables, manifest] = await Promise.all([readGitVariables(root), manifestIn(root)]);
  const settings = readExpandSettings();
  const args = { ...settings.buildArgs, ...manifest.build.args, ...options.args };
  const sources = { ...(await sourcesOfToken(settings)), ...includeOptions(settings) };
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

/** Those that shape an expansion; each has a default. */
const includeSettings = [
  ...(['buildArgs', 'includeDepth', 'includeFiles'] as const),
  ...(['includeFileSize', 'includeTotalSize', 'includeFrontends'] as const),
] as const;
type ExpandSettings = ConfigOf<(typeof includeSettings)[number]> &
  Partial<ConfigOf<'gitlabUrl' | 'gitlabToken' | 'gitlabCa' | 'templatesProject'>>;

/** What there is of settings, as nobody needs any to expand a file. @throws SetupError */
function readExpandSettings(): ExpandSettings {
  const { found } = readSettings([], undefined, { ifAllowed: true });
  const problems = includeSettings.flatMap((name) => found[name].problem ?? []);
  if (problems.length > 0) {
    throw new SetupError(problems.join('\n'), {
      code: 'E_SETTINGS',
      hint: 'ekiden settings prints all settings with their sources.',
    });
  }
  const values = Object.entries(found).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(values) as ExpandSettings;
}

/** With a token, what it sees; without one, the templates that are delivered. */
async function sourcesOfToken({
  gitlabUrl,
  gitlabToken,
  gitlabCa,
  templatesProject: project,
}: ExpandSettings) {
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
