/** The labels of an image: what holds for every commit that comes to it. */
import type { Fragment } from '../../core/build.ts';

export interface Labelled {
  install: string;
  project: number;
  fragments: readonly Fragment[];
}

/** A label is read by people and scripts; beyond this the build's record tells the rest. */
const fragmentsLimit = 1024;

/** `ekiden.fragments` names the templates with their versions, and is left out where it would be too long. */
export function imageLabels({ install, project, fragments }: Labelled): Record<string, string> {
  const names = fragments.flatMap(({ template }) =>
    template ? [`${template.name}@${template.version}`] : [],
  );
  const text = [...new Set(names)].sort().join(',');
  const isTold = text !== '' && text.length <= fragmentsLimit;
  return {
    'ekiden.install': install,
    'ekiden.project': String(project),
    ...(isTold ? { 'ekiden.fragments': text } : {}),
  };
}
