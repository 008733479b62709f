/** What every group of pages is given. */
import type { Ekiden } from '../../ekiden.ts';
import type { Templates } from '../templates.ts';
import type { Entry } from './entry.ts';

export interface Pages {
  ekiden: Ekiden;
  templates: Templates;
  enter: Entry;
}
