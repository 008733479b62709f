/** Which files of tests begin first: those that take longest, so that no worker is left alone with one at the end. */
import { BaseSequencer } from 'vitest/node';

/** Files that take more than half a minute, the longest first; without a name here a file is merely begun later. */
const longest = [
  'flow/survive-roles',
  'flow/survive-parts',
  'flow/api',
  'flow/demo',
  'flow/journey',
  'flow/stop',
  'flow/builds',
  'install/compose',
  'fragments/fragments',
  'install/backup',
  'ui/pages',
  'ui/log',
  'build/sources/projects',
  'build/builder',
  'runners/up',
];

/** Keeps Vitest's order of all other files, and that of the groups. */
export class LongestFirst extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || placeOf(a) - placeOf(b));
  }
}

function groupOf({ project }) {
  return project.config.sequence.groupOrder;
}

function placeOf({ moduleId }) {
  const place = longest.findIndex((name) => moduleId.includes(`/test/${name}.`));
  return place < 0 ? longest.length : place;
}
