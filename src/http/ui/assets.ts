/** Scripts and styles of the pages, which browsers may keep: their address changes when they do. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import compression from 'compression';
import express, { Router } from 'express';

const require = createRequire(import.meta.url);

/** Files of uPlot, which draws the graphs. */
const uplot = {
  'uplot.js': 'uplot/dist/uPlot.iife.min.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
};

const cached = { immutable: true, maxAge: '1y', index: false } as const;

/** Serves them below `/<hash of all>/`; `templates` is the folder of texts that a person may edit. */
export function createAssets(templates: string): Router {
  const router = Router();
  const version = assetVersion(templates);
  router.use(compression());
  for (const [name, file] of Object.entries(uplot)) {
    router.get(`/${version}/${name}`, (_, response) => {
      response.sendFile(require.resolve(file), cached);
    });
  }
  router.use(`/${version}`, express.static(folderOf(templates), cached));
  return router;
}

/** Twelve digits that stand for what the files hold now. */
export function assetVersion(templates: string): string {
  const folder = folderOf(templates);
  const hash = createHash('sha256');
  for (const name of namesIn(folder)) hash.update(name).update(readFileSync(join(folder, name)));
  hash.update(readFileSync(require.resolve('uplot/package.json')));
  return hash.digest('hex').slice(0, 12);
}

function folderOf(templates: string): string {
  return join(templates, 'ui', 'assets');
}

/** None where somebody brings templates of their own without them. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
