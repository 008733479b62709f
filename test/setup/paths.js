/** Where things are: the checkout, and the one cache folder that stays between runs. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The only folder outside the checkout that Ekiden's set-up keeps. */
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ekiden');

/** Holds one folder for each run that is alive or not yet swept. */
export const runs = join(cache, 'runs');
