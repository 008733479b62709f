/** Renders the nginx templates, which a person may edit. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Liquid } from 'liquidjs';

export interface Templates {
  render(name: string, data: object): Promise<string>;
  /** The file as it is. */
  read(name: string): Promise<string>;
}

/** Reads from `folder`; a variable that is not given is an error, never an empty text. */
export function createTemplates(folder: string): Templates {
  const liquid = new Liquid({ root: folder, strictVariables: true, strictFilters: true });
  liquid.registerFilter('quoted', quote);
  return {
    render: (name, data) => liquid.renderFile(name, data),
    read: (name) => readFile(join(folder, name), 'utf8'),
  };
}

/** HTML as one nginx string, where a dollar sign would name a variable. */
function quote(html: unknown): string {
  const text = String(html).replaceAll('$', '&#36;').replace(/["\\]/g, '\\$&');
  return `"${text}"`;
}
