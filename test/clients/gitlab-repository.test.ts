/** Folders and comparisons as GitLab tells them, by pages, renamings and gaps included. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

describe('a folder', () => {
  it('shows its entries with git’s ids and modes, and nothing below them', async () => {
    const sha = await rig.commit({ 'web/a.txt': 'a', 'web/sub/b.txt': 'b', 'c.txt': 'c' });
    const entries = await rig.client.tree(rig.project, { sha, path: 'web' });
    expect(entries?.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      {
        ...{ name: 'a.txt', path: 'web/a.txt', type: 'blob', mode: '100644' },
        id: '2e65efe2a145dda7ee51d1741299f848e5bf752e',
      },
      { ...{ name: 'sub', path: 'web/sub', type: 'tree', mode: '040000' }, id: hex },
    ]);
  });

  it('is undefined where there is none', async () => {
    const sha = await rig.commit({ 'a.txt': 'a' });
    expect(await rig.client.tree(rig.project, { sha, path: 'none' })).toBeUndefined();
    expect(await rig.client.tree(rig.project, { sha: '0'.repeat(40) })).toBeUndefined();
  });

  it('comes whole, however many pages it takes', async () => {
    const names = Array.from({ length: 250 }, (_, n) => `f${String(n).padStart(3, '0')}`);
    const sha = await rig.commit(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
    const entries = await rig.client.tree(rig.project, { sha });
    expect(entries?.map(({ name }) => name).filter((name) => /^f\d/.test(name))).toEqual(names);
  });
});

describe('what changed', () => {
  it('is every path that differs, in both directions and under both names', async () => {
    const before = await rig.commit({ 'a.txt': 'a', 'old.txt': 'the same\n', 'gone.txt': 'x' });
    const after = await rig.commit({ 'a.txt': 'b', 'new.txt': 'y' });
    const changed = await rig.client.changes(rig.project, before, after);
    expect(changed).toContain('a.txt');
    expect(await rig.client.changes(rig.project, after, before)).toContain('new.txt');
    expect(await rig.client.changes(rig.project, after, after)).toEqual([]);
  });

  it('is unknown since a commit that is gone', async () => {
    const sha = await rig.commit({ 'a.txt': 'a' });
    expect(await rig.client.changes(rig.project, '1'.repeat(40), sha)).toBeUndefined();
  });
});

const hex = expect.stringMatching(/^[0-9a-f]{40}$/);
