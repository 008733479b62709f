/** What a project lets others include: the key `include` of its manifest, at the head of its default branch. */
import type { GitLab } from '../../clients/gitlab.ts';
import type { Project } from '../../core/access.ts';
import { InputError } from '../../core/errors.ts';
import { manifestSchema } from '../manifest-schema.ts';
import { manifestFile, readManifestText } from '../manifest-text.ts';
import type { FileCache } from './file-cache.ts';
import type { IncludeRule } from './grant.ts';

/** The rest of the manifest may be wrong, or for a newer Ekiden; it is no matter of includers. */
const schema = manifestSchema.pick({ include: true }).strip();

export interface IncludeRuleOptions {
  gitlab: Pick<GitLab, 'head' | 'file'>;
  cache: FileCache;
  project: Project;
}

/** Undefined where nobody is let in. */
export async function includeRuleOf(options: IncludeRuleOptions): Promise<IncludeRule | undefined> {
  const { gitlab, cache, project } = options;
  const { id, defaultBranch } = project;
  if (defaultBranch === undefined) return undefined;
  const sha = await gitlab.head(id, `refs/heads/${defaultBranch}`);
  if (sha === undefined) return undefined;
  const file = { project: id, sha, path: manifestFile };
  const bytes = await cache.read(file, () => gitlab.file(id, manifestFile, sha));
  return bytes && parseRule(bytes);
}

/** A manifest that cannot be read lets nobody in. */
export function parseRule(bytes: Buffer): IncludeRule | undefined {
  try {
    return schema.safeParse(readManifestText(bytes).data ?? {}).data?.include;
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
