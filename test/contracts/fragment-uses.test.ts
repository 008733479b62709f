/** Which refs use a fragment, by the last build of each. */
import { expect, test } from 'vitest';
import type { FragmentUse, TakenFragment } from '../../src/core/fragment.ts';
import { createFragmentUses } from '../../src/stores/fragments.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const open = () => createFragmentUses(openRedis(redis));

function taken(name: string, version: string): TakenFragment {
  return { name, version, source: `template:${name}@1`, sha256: 'f'.repeat(64) };
}

function useBy(change: Partial<FragmentUse> = {}): FragmentUse {
  return {
    ...{ project: 7, projectPath: 'shop/front', ref: 'refs/heads/main', sha: 'a'.repeat(40) },
    ...{ environments: ['production'], build: 'b1', order: 1, at: 1_000 },
    fragments: [taken('node', '1.0.0')],
    ...change,
  };
}

test('lists the refs that use a fragment, latest first, and counts their projects', async () => {
  const uses = open();
  const review = useBy({ ref: 'refs/heads/x/y', at: 2_000, build: 'b2' });
  const other = useBy({ project: 8, projectPath: 'shop/cart', at: 3_000 });
  for (const use of [useBy(), review, other]) await uses.note(use);
  expect(await uses.list('node', { limit: 10 })).toEqual({ items: [other, review, useBy()] });
  const { items, next = '' } = await uses.list('node', { limit: 2 });
  expect(items).toEqual([other, review]);
  expect(await uses.list('node', { limit: 2, cursor: next })).toEqual({ items: [useBy()] });
  expect(await uses.count('node')).toEqual({ refs: 3, projects: 2 });
  expect(await uses.list('tomcat', { limit: 10 })).toEqual({ items: [] });
  expect(await uses.count('tomcat')).toEqual({ refs: 0, projects: 0 });
});

test('the next build takes the place of the last, with what it no longer takes', async () => {
  const uses = open();
  await uses.note(useBy({ fragments: [taken('node', '1.0.0'), taken('logs', '1.0.0')] }));
  const next = useBy({ order: 2, fragments: [taken('node', '1.1.0')] });
  await uses.note(next);
  expect(await uses.list('node', { limit: 10 })).toEqual({ items: [next] });
  expect(await uses.count('logs')).toEqual({ refs: 0, projects: 0 });
  await uses.note(useBy({ order: 3, fragments: [] }));
  expect(await uses.count('node')).toEqual({ refs: 0, projects: 0 });
});

test('a build of an older commit that ends late changes nothing, and the same one may be noted again', async () => {
  const uses = open();
  const newer = useBy({ order: 2, fragments: [taken('node', '1.1.0')] });
  await uses.note(newer);
  await uses.note(useBy({ fragments: [taken('node', '1.0.0'), taken('logs', '1.0.0')] }));
  expect(await uses.list('node', { limit: 10 })).toEqual({ items: [newer] });
  expect(await uses.count('logs')).toEqual({ refs: 0, projects: 0 });
  await uses.note({ ...newer, at: 9_000 });
  expect((await uses.list('node', { limit: 10 })).items.map(({ at }) => at)).toEqual([9_000]);
});

test('a ref is forgotten, or all of a project', async () => {
  const uses = open();
  const review = useBy({ ref: 'refs/heads/review' });
  const other = useBy({ project: 8 });
  for (const use of [useBy(), review, other]) await uses.note(use);
  await uses.forget(7, 'refs/heads/review');
  expect(await uses.count('node')).toEqual({ refs: 2, projects: 2 });
  await uses.note(review);
  await uses.forget(7);
  expect(await uses.list('node', { limit: 10 })).toEqual({ items: [other] });
  await uses.forget(7, 'refs/heads/gone');
});
