/** Every strategy by the name that the manifest has for it, and which one a place has. */
import type { Place } from '../../core/deployment.ts';
import type { Strategy } from '../../core/manifest.ts';
import { beside } from './beside.ts';
import { blueGreen } from './blue-green.ts';
import { canary } from './canary.ts';
import { rolling } from './rolling.ts';
import type { RolloutStrategy } from './strategy.ts';

const strategies: Record<Strategy['kind'], RolloutStrategy> = {
  rolling,
  'blue-green': blueGreen,
  canary,
};

/** How it goes on at a place; one that an older Ekiden began knows no strategy. */
export function strategyAt({
  strategy = 'rolling',
  beside: before,
}: Pick<Place, 'strategy' | 'beside'>): RolloutStrategy {
  return strategy === 'rolling' && before !== undefined ? beside : strategies[strategy];
}
