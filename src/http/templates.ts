/** The pages' templates, which a person may edit. */
import { join } from 'node:path';
import { Liquid } from 'liquidjs';
import type { Ekiden } from '../ekiden.ts';
import { basePathOf } from './base-path.ts';

export interface Templates {
  /** `base` is given to each page: what its links begin with. */
  render(name: string, data?: object): Promise<string>;
}

export function createTemplates(ekiden: Pick<Ekiden, 'templates' | 'config'>): Templates {
  const liquid = new Liquid({
    root: join(ekiden.templates, 'ui'),
    extname: '.liquid',
    outputEscape: 'escape',
    strictVariables: true,
    cache: true,
  });
  const base = basePathOf(ekiden.config.url);
  return { render: (name, data = {}) => liquid.renderFile(name, { base, ...data }) };
}
