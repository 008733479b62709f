/** What the document of the API cannot say is told in docs/api.md, with the figures of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { permissions } from '../../src/core/access.ts';
import { closeCodes } from '../../src/http/frames.ts';
import { limits } from '../../src/http/limits.ts';
import { packageFolder } from '../../src/paths.ts';

const page = readFileSync(join(packageFolder, 'docs/api.md'), 'utf8');

test('the codes by which sockets close', () => {
  const told = [...page.matchAll(/^\| (1\d{3}) \|/gm)].map((match) => Number(match[1]));
  expect(told).toEqual(Object.values(closeCodes).toSorted());
});

test.each(Object.entries(limits))('how often one may ask: %s', (_, limit) => {
  expect(page).toMatch(new RegExp(`\\b${limit.toLocaleString('en')} (requests|that|for|with)`));
});

test('who may do what', () => {
  const rows = [...page.matchAll(/^\| (.+) \| (\w+) \| (\w+) \|$/gm)].slice(0, 7);
  const levels: Record<string, number> = { Reporter: 20, Developer: 30, Maintainer: 40 };
  for (const [ability, { production, elsewhere }] of Object.entries(permissions)) {
    const named = ability === 'rollback' ? 'roll back' : ability;
    const row = rows.find(([, what = '']) => what.startsWith(named));
    expect([ability, levels[row?.[2] ?? ''], levels[row?.[3] ?? '']]).toEqual([
      ...[ability, production, elsewhere],
    ]);
  }
});
