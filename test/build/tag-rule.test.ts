/** Whether a pushed tag goes anywhere, as far as that is known in time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takesTagAt } from '../../src/build/tag-rule.ts';
import { RemoteError } from '../../src/core/errors.ts';

const manifest = 'environments: { live: { tags: v* }, production: main }\n';

/** A GitLab that answers one file, and nothing else is asked of. */
const withFile = (file: () => Promise<Buffer | undefined>) => {
  const never = () => Promise.reject(new Error('only the manifest is asked for'));
  return { file, project: never, head: never, archive: never, postStatus: never };
};

const remembered = new Map<string, string[]>();
const tagRules = {
  find: async (_: number, sha: string) => remembered.get(sha),
  save: async (_: number, sha: string, globs: string[]) => void remembered.set(sha, globs),
};
beforeEach(() => remembered.clear());

const ask = (file: () => Promise<Buffer | undefined>, tag = 'v1', within = 5_000) =>
  takesTagAt({ gitlab: withFile(file), tagRules, within }, { project: 7, sha: 'abc', tag });

describe('takesTagAt', () => {
  it.each([
    ['v1', manifest, true],
    ['main', manifest, false],
    ['v1', '', false],
    ['v1', undefined, false],
    ['v1', 'environments: [\n', undefined],
  ])('%s, %j: %s', async (tag, text, wanted) => {
    const bytes = text === undefined ? undefined : Buffer.from(text);
    expect(await ask(async () => bytes, tag)).toBe(wanted);
  });

  it('does not know where GitLab is away', async () => {
    const away = new RemoteError('GitLab is away.', { code: 'E_GITLAB' });
    expect(await ask(() => Promise.reject(away))).toBeUndefined();
  });

  it('asks GitLab once about a commit, and remembers the late answer as well', async () => {
    let asked = 0;
    const slow = async () => {
      asked += 1;
      await new Promise((wake) => setTimeout(wake, 50));
      return Buffer.from(manifest);
    };
    expect(await ask(slow, 'v1', 1)).toBeUndefined();
    await expect.poll(() => remembered.get('abc')).toEqual(['v*']);
    expect(await ask(slow, 'v1')).toBe(true);
    expect(await ask(slow, 'other')).toBe(false);
    expect(asked).toBe(1);
  });

  it('does not wait longer than it may', async () => {
    expect(await ask(() => new Promise(() => undefined), 'v1', 1)).toBeUndefined();
  });
});
