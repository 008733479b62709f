/** A repository and templates in memory, for expansions. */
import {
  type ExpandOptions,
  type Expansion,
  expandDockerfile,
  IncludeError,
  type Limits,
  type TemplateSource,
} from '../../../src/build/dockerfile/index.ts';

export type Files = Record<string, string | Buffer>;

export interface Setting
  extends Pick<ExpandOptions, 'args' | 'variables' | 'heredocs' | 'otherFrontends'> {
  /** By path; `Dockerfile` is the one that is expanded. */
  files: Files;
  /** By `name@version`. */
  templates?: Record<string, string>;
  file?: string;
  limits?: Partial<Limits>;
}

export function expandFiles({ files, templates = {}, ...options }: Setting) {
  return expandDockerfile({
    file: 'Dockerfile',
    ...options,
    templates: templatesOf(templates),
    read: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
    list: async (folder) => listFolder(Object.keys(files), folder),
  });
}

/** The error of an expansion that must fail. */
export async function failureOf(setting: Setting): Promise<IncludeError> {
  const outcome: Expansion | unknown = await expandFiles(setting).catch((error) => error);
  if (outcome instanceof IncludeError) return outcome;
  throw new Error('the expansion did not fail with an IncludeError', { cause: outcome });
}

function templatesOf(templates: Record<string, string>): TemplateSource {
  const ids = Object.keys(templates).map((id) => id.split('@'));
  return {
    async versions(name) {
      const versions = ids.filter(([other]) => other === name).map(([, version]) => version ?? '');
      return versions.length > 0 ? versions : undefined;
    },
    read: async (name, version) => Buffer.from(templates[`${name}@${version}`] ?? ''),
    names: async () => [...new Set(ids.map(([name]) => name ?? ''))],
  };
}

function listFolder(paths: string[], folder: string): string[] {
  const below = paths.filter((path) => path.startsWith(folder));
  const entries = below.map((path) => path.slice(folder.length).replace(/\/.*$/, '/'));
  return [...new Set(entries)];
}
