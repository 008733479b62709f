/** The pages' templates, which a person may edit. */
import { join } from 'node:path';
import { Liquid } from 'liquidjs';
import type { Ekiden } from '../ekiden.ts';
import { basePathOf } from './base-path.ts';
import { assetVersion } from './ui/assets.ts';

export interface Templates {
  /** `base`, what links begin with, and `assets`, where scripts and styles lie, are known to all. */
  render(name: string, data?: object): Promise<string>;
}

export function createTemplates(ekiden: Pick<Ekiden, 'templates' | 'config'>): Templates {
  const liquid = new Liquid({
    root: join(ekiden.templates, 'ui'),
    extname: '.liquid',
    outputEscape: 'escape',
    strictVariables: true,
    // What is absent may be asked for by `if`.
    lenientIf: true,
    cache: true,
  });
  const base = basePathOf(ekiden.config.url);
  const assets = `${base}/assets/${assetVersion(ekiden.templates)}`;
  const globals = { base, assets };
  return { render: (name, data = {}) => liquid.renderFile(name, data, { globals }) };
}
