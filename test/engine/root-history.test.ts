/** The last versions of the root: what is undone to see an earlier one, and what is forgotten. */
import { describe, expect, it } from 'vitest';
import { emptyGroup, type Root } from '../../src/engine/groups/group.ts';
import {
  type Replaced,
  remember,
  rootAt,
  versionsOf,
} from '../../src/engine/state/root-history.ts';
import { appOf } from './definitions.ts';

const at = (second: number) => new Date(second * 1000).toISOString();
const app = (mem: number) => appOf({ id: '/g/a', mem });

/** Made at 1 with 10 MB, changed at 2 to 20 MB, deleted with its group at 3, while `/h` was made. */
const history: Replaced[] = [
  { version: at(1), apps: { '/g/a': null }, groups: { '/g': null } },
  { version: at(2), apps: { '/g/a': app(10) }, groups: {} },
  { version: at(3), apps: { '/g/a': app(20) }, groups: { '/g': emptyGroup('/g'), '/h': null } },
];
const now: Root = {
  apps: new Map(),
  groups: new Map(['/', '/h'].map((id) => [id, emptyGroup(id)])),
};

describe('rootAt', () => {
  it.each([
    [1, [10], ['/', '/g']],
    [2, [20], ['/', '/g']],
    [3, [], ['/', '/h']],
  ])('sees the root after write %i', (second, mems, groups) => {
    const root = rootAt(now, history, at(second));
    expect([...(root?.apps.values() ?? [])].map(({ mem }) => mem)).toEqual(mems);
    expect([...(root?.groups.keys() ?? [])]).toEqual(groups);
  });

  it('knows no other versions', () => {
    expect(rootAt(now, history, at(4))).toBeUndefined();
    expect(rootAt(now, history, 'yesterday')).toBeUndefined();
  });
});

describe('versionsOf', () => {
  it.each([
    ['/', [3, 2, 1]],
    ['/g', [2, 1]],
    ['/h', [3]],
    ['/none', []],
  ])('tells when %s was there', (id, seconds) => {
    expect(versionsOf(now, history, id)).toEqual(seconds.map(at));
  });
});

describe('remember', () => {
  const write = (second: number, apps = 1): Replaced => ({
    version: at(second),
    apps: Object.fromEntries(Array.from({ length: apps }, (_, index) => [`/a${index}`, null])),
    groups: {},
  });
  const keptOf = (writes: Replaced[]) => {
    const kept: Replaced[] = [];
    for (const one of writes) remember(kept, one);
    return kept.map(({ version }) => Date.parse(version) / 1000);
  };

  it('keeps fifty writes', () => {
    const writes = Array.from({ length: 60 }, (_, index) => write(index));
    expect(keptOf(writes)).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
  });

  it('keeps fewer of large ones, and always the last', () => {
    expect(keptOf([write(1, 3000), write(2, 2000), write(3, 1)])).toEqual([2, 3]);
    expect(keptOf([write(1), write(2, 6000)])).toEqual([2]);
  });
});
