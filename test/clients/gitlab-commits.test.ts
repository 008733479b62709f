/** Commits as GitLab tells them, and what pages show of them while it is slow or away. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommitNote } from '../../src/core/commit.ts';
import { silent } from '../../src/core/log.ts';
import { createCommitNotes } from '../../src/gitlab/commit-notes.ts';
import { type Host, type Rig, startHost } from '../build/rig.ts';

let host: Host;
let rig: Rig;

beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
});

const none = '0'.repeat(40);

it('a commit has a title, an author and a time', async () => {
  const sha = await rig.commit({ 'a.txt': 'a' }, 'Mend it\n\nWith a body.');
  expect(await rig.client.describe(rig.project, sha)).toEqual({
    ...{ sha, title: 'Mend it', author: expect.any(String), at: expect.any(Number) },
  });
  expect(await rig.client.describe(rig.project, none)).toBeUndefined();
});

it('commits between two are those of the second alone, newest first', async () => {
  const [first, second, third] = [
    await rig.commit({ 'a.txt': '1' }, 'one'),
    await rig.commit({ 'a.txt': '2' }, 'two'),
    await rig.commit({ 'a.txt': '3' }, 'three'),
  ];
  const titles = async (from: string, to: string) =>
    (await rig.client.between(rig.project, from, to))?.map(({ title }) => title);
  expect(await titles(first, third)).toEqual(['three', 'two']);
  expect(await titles(third, first)).toEqual([]);
  expect(await titles(second, none)).toBeUndefined();
});

it('statuses of one name are told', async () => {
  const sha = await rig.commit({ 'a.txt': 'a' });
  const name = 'ekiden/deploy/production/web';
  const post = (state: 'success' | 'running', of: string) =>
    rig.client.postStatus({
      ...{ project: rig.project, sha, ref: 'main', name: of, state },
      ...{ targetUrl: 'http://ekiden.test/', description: '' },
    });
  expect(await rig.client.statusesOf(rig.project, sha, name)).toEqual([]);
  await post('success', name);
  await post('running', `${name}2`);
  expect(await rig.client.statusesOf(rig.project, sha, name)).toEqual(['success']);
  expect(await rig.client.statusesOf(rig.project, none, name)).toEqual([]);
});

describe('titles', () => {
  const note = (sha: string): CommitNote => ({ sha, title: sha });
  const between = async () => undefined;

  it('are asked for once, and what is not there is left out', async () => {
    const asked: string[] = [];
    const describe = async (_: number, sha: string) => {
      asked.push(sha);
      return sha === 'gone' ? undefined : note(sha);
    };
    const notes = createCommitNotes({ gitlab: { describe, between }, log: silent });
    expect([...(await notes.find(1, ['a', 'b', 'a', 'gone'])).keys()]).toEqual(['a', 'b']);
    expect((await notes.find(1, ['a'])).get('a')).toEqual(note('a'));
    expect(asked).toEqual(['a', 'b', 'gone']);
  });

  it('are not waited for longer than a page may take', async () => {
    const describe = (_: number, sha: string) =>
      sha === 'slow' ? new Promise<never>(() => {}) : Promise.resolve(note(sha));
    const notes = createCommitNotes({ gitlab: { describe, between }, log: silent, patience: 50 });
    expect([...(await notes.find(1, ['a', 'slow'])).keys()]).toEqual(['a']);
  });

  it('and commits are missing while GitLab is away', async () => {
    const refuse = () => Promise.reject(new Error('away'));
    const gitlab = { describe: refuse, between: refuse };
    const notes = createCommitNotes({ gitlab, log: silent });
    expect(await notes.find(1, ['a'])).toEqual(new Map());
    expect(await notes.between(1, 'a', 'b')).toBeUndefined();
  });
});
