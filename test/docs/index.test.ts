/** Every page is found from where people begin to read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { linksOf } from './markdown.ts';

const linksIn = (page: string) => linksOf(readFileSync(join(packageFolder, page), 'utf8'));

function pagesIn(folder: string): string[] {
  return readdirSync(join(packageFolder, folder)).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
}

test('the README leads to every page of docs', () => {
  const links = linksIn('README.md').map((link) => link.split('#')[0]);
  expect(links).toEqual(expect.arrayContaining(pagesIn('docs').map((name) => `docs/${name}`)));
});

test('the list of decisions has each, under a number of its own', () => {
  const decisions = pagesIn('docs/decisions');
  expect(linksIn('docs/decisions/README.md')).toEqual(decisions.toSorted());
  const numbers = decisions.map((name) => name.slice(0, 4));
  expect(new Set(numbers).size).toBe(numbers.length);
});
