/** Makes of a deployment what its page shows of its strategy and its data centres. */
import type { Deployment, Place } from '../../core/deployment.ts';
import type { Strategy } from '../../core/manifest.ts';
import { showSpan } from '../../core/span.ts';
import { showTime } from './views.ts';

/** How it goes on, as the manifest has it; places that did not need a strategy say so by their own. */
export function showStrategy({ deploy: { strategy }, places = [] }: Deployment): string {
  const isPlain = places.length > 0 && places.every((place) => place.strategy === 'rolling');
  return isPlain ? 'rolling' : wordsOf(strategy);
}

function wordsOf(strategy: Strategy): string {
  switch (strategy.kind) {
    case 'rolling':
      return 'rolling';
    case 'blue-green':
      return `blue/green, the old instances are kept for ${spanOf(strategy.keep)}`;
    case 'canary': {
      const hold =
        strategy.hold === 'manual' ? 'until somebody decides' : `for ${spanOf(strategy.hold)}`;
      return `canary of ${strategy.instances} ${hold}`;
    }
  }
}

function spanOf(seconds: number): string {
  return seconds === 0 ? 'no time' : showSpan(seconds * 1000);
}

const words: Record<Place['state'], string> = {
  ...{ waiting: 'waiting', trial: 'starting beside', holding: 'side by side', rolling: 'rolling' },
  ...{ done: 'done', returned: 'went back', away: 'away' },
};

const badges: Record<Place['state'], string> = {
  ...{ waiting: 'idle', trial: 'running', holding: 'running', rolling: 'running' },
  ...{ done: 'succeeded', returned: 'failed', away: 'failed' },
};

/** How far it is in each data centre; where there is one alone, the page says that already. */
export function showPlaces({ places = [] }: Deployment) {
  if (places.length < 2) return [];
  return places.map(({ dataCentre, state, since, reason = '' }) => ({
    ...{ dataCentre, state: words[state], badge: badges[state], reason },
    since: showTime(since),
  }));
}
