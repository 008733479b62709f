/** Whether a pushed tag goes anywhere, as far as that is known in time. */
import { describe, expect, it } from 'vitest';
import { takesTagAt } from '../../src/build/tag-rule.ts';
import { RemoteError } from '../../src/core/errors.ts';

const manifest = 'environments: { live: { tags: v* }, production: main }\n';

/** A GitLab that answers one file, and nothing else is asked of. */
const withFile = (file: () => Promise<Buffer | undefined>) => {
  const never = () => Promise.reject(new Error('only the manifest is asked for'));
  return { file, project: never, head: never, archive: never, postStatus: never };
};

const ask = (file: () => Promise<Buffer | undefined>, tag = 'v1', within = 5_000) =>
  takesTagAt(withFile(file), { project: 7, sha: 'abc', tag }, within);

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

  it('does not wait longer than it may', async () => {
    expect(await ask(() => new Promise(() => undefined), 'v1', 1)).toBeUndefined();
  });
});
