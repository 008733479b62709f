/** No link between the project's own pages leads nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { anchorsOf, linksOf } from './markdown.ts';

const skipped = new Set(['node_modules', 'dist', 'coverage', 'fixtures']);

const pages = pagesBelow(packageFolder).map((path) => relative(packageFolder, path));

function pagesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) return entry.name.endsWith('.md') ? [path] : [];
    const isOurs = entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name);
    return isOurs ? pagesBelow(path) : [];
  });
}

test('the pages are found', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/manifest.md']));
});

test.each(pages)('the links of %s resolve', (name) => {
  const file = join(packageFolder, name);
  const page = readFileSync(file, 'utf8');
  const broken = linksOf(page).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
  });

  expect(broken).toEqual([]);
});
