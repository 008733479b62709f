/** Finds the files that come with Ekiden, from its sources as from its compiled form. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. */
export const packageFolder = findUp(dirname(fileURLToPath(import.meta.url)));

/** As package.json has it. */
export const packageVersion = String(
  JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version,
);

export const templatesFolder = join(packageFolder, 'templates');

function findUp(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('package.json of Ekiden is missing');
  return findUp(parent);
}
