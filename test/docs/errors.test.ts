/** Every code of an error is told in the documentation. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';

const read = (path: string) => readFileSync(join(packageFolder, path), 'utf8');

function codesIn(folder: string): string[] {
  const files = readdirSync(join(packageFolder, folder), { recursive: true }) as string[];
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...read(join(folder, file)).matchAll(/['`](E_[A-Z_]+[A-Z])['`]/g)])
    .map((match) => match[1] ?? '');
}

test('docs/errors.md and docs/include.md list the codes that the sources raise, and no others', () => {
  const raised = new Set([...codesIn('src'), ...codesIn('runners'), ...codesIn('hooks')]);
  const pages = `${read('docs/errors.md')}${read('docs/include.md')}`;
  const told = new Set([...pages.matchAll(/`(E_[A-Z_]+)`/g)].map((match) => match[1] ?? ''));
  expect([...raised].filter((code) => !told.has(code)).sort()).toEqual([]);
  expect([...told].filter((code) => !raised.has(code)).sort()).toEqual([]);
});
