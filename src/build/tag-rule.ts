/** Tells early whether a pushed tag can go anywhere. */
import type { GitLab } from '../clients/gitlab.ts';
import { tagGlobsOf, takesTag } from './environments.ts';
import { manifestFile, parseManifest } from './manifest.ts';

export interface TaggedCommit {
  project: number;
  sha: string;
  /** Without `refs/tags/`. */
  tag: string;
}

export interface TagRuleOptions {
  gitlab: Pick<GitLab, 'file'>;
  /** What was read of manifests before: most tags sit on a commit that a branch brought. */
  tagRules: {
    find(project: number, sha: string): Promise<string[] | undefined>;
    save(project: number, sha: string, globs: string[]): Promise<void>;
  };
  /** Milliseconds after which nobody waits for the answer. */
  within: number;
}

/**
 * True when the manifest at the commit sends the tag to an environment, false when not, and
 * undefined when nobody knows in time or the manifest cannot be read.
 */
export async function takesTagAt(
  options: TagRuleOptions,
  commit: TaggedCommit,
): Promise<boolean | undefined> {
  const tooLate = new Promise<undefined>((wake) => {
    setTimeout(wake, options.within, undefined).unref();
  });
  const known = readGlobs(options, commit)
    .then((globs) => takesTag(globs, commit.tag))
    .catch(() => undefined);
  return Promise.race([known, tooLate]);
}

async function readGlobs({ gitlab, tagRules }: TagRuleOptions, { project, sha }: TaggedCommit) {
  const remembered = await tagRules.find(project, sha);
  if (remembered) return remembered;
  const manifest = parseManifest(await gitlab.file(project, manifestFile, sha));
  const globs = tagGlobsOf(manifest);
  await tagRules.save(project, sha, globs);
  return globs;
}
