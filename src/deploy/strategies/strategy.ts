/** What a strategy is: how the instances of a release take the place of those before. */
import type { Site } from '../rollout/site.ts';

/** Both go on where an earlier process stopped, and throw Unwell, Overtaken, or an error of Marathon. */
export interface RolloutStrategy {
  /** Resolves once the new release answers the requests; false where no balancer has followed. */
  bring(site: Site): Promise<boolean>;
  /** Ends what was kept to go back at once. */
  settle(site: Site): Promise<void>;
}
