/** Remembers which tags the manifest of a commit takes; a commit never changes, so neither does this. */
import type { StoreOptions } from './builds.ts';

const keepSeconds = 90 * 24 * 60 * 60;

export interface TagRules {
  /** Globs of all tags that go anywhere; undefined when nobody has read the commit's manifest. */
  find(project: number, sha: string): Promise<string[] | undefined>;
  save(project: number, sha: string, globs: string[]): Promise<void>;
}

export function createTagRules({ redis, prefix }: StoreOptions): TagRules {
  const key = (project: number, sha: string) => `${prefix}:project:${project}:tags:${sha}`;

  return {
    async find(project, sha) {
      const text = await redis.get(key(project, sha));
      return text === null ? undefined : JSON.parse(text);
    },
    async save(project, sha, globs) {
      await redis.set(key(project, sha), JSON.stringify(globs), 'EX', keepSeconds);
    },
  };
}
