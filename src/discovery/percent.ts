/** What instances weigh where an app gets a percentage of the requests, however many instances it has. */
import type { MarathonApp } from '../clients/marathon.ts';
import { percentOf, type Weights } from '../core/traffic.ts';

/** An app in its data centre. */
type Placed = Pick<MarathonApp, 'id' | 'tasks'> & { dataCentre?: string };

/**
 * The weight of each instance of `app`, so that it gets its percentage of what goes to both. Together they
 * weigh as much as their instances if all were alike, so that other data centres get what they got.
 * Undefined where nothing is said of a percentage, or only one of them can take requests.
 */
export function weightByPercent(app: Placed, other: Placed, kept: Weights): number | undefined {
  const percent = percentIn(app, other, kept);
  const [own, others] = [countOf(app, kept), countOf(other, kept)];
  if (percent === undefined || own === 0 || others === 0) return undefined;
  return (percent * (own + others)) / (100 * own);
}

function percentIn({ id, dataCentre }: Placed, other: Placed, kept: Weights): number | undefined {
  if (dataCentre === undefined) return undefined;
  const rest = kept[percentOf(other.id, dataCentre)];
  return kept[percentOf(id, dataCentre)] ?? (rest === undefined ? undefined : 100 - rest);
}

/** What has a weight of its own, as an instance that is about to end, is not counted. */
function countOf({ tasks }: Placed, kept: Weights): number {
  return tasks.filter(({ id }) => kept[id] === undefined).length;
}
