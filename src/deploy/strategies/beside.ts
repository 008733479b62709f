/** As rolling, on a Marathon that ends old instances before balancers hear of it: the new ones come as a second app. */
import { give, takeDown } from '../rollout/giving.ts';
import { instancesFor } from '../rollout/instances-for.ts';
import { createRoomMaker } from '../rollout/moving.ts';
import { awaitFree, awaitSwitched, share } from '../rollout/shares.ts';
import type { Site } from '../rollout/site.ts';
import { awaitHealthy } from '../rollout/supervision.ts';
import type { RolloutStrategy } from './strategy.ts';

export const beside: RolloutStrategy = {
  async bring(site) {
    if (site.place().trial === undefined) {
      await share(site, { live: 1, other: 0 });
      const { release } = site;
      const instances = await instancesFor(site);
      const trial = await give(site, { release, app: site.other(), instances });
      await site.note({ state: 'rolling', trial });
    }
    return moveOver(site);
  },
  settle: endLive,
};

/**
 * Waits until all of the second app is healthy, which gets requests meanwhile, `percent` of them where that
 * is said, and then gives it all of them.
 */
export async function moveOver(site: Site, percent?: number): Promise<boolean> {
  // What may be ending already gets no requests again.
  if (site.place().up !== undefined) return true;
  const [from, to] = [site.live(), site.other()];
  await share(site, { live: 1, other: 1, percent });
  const atLeast = site.place().beside ?? 0;
  await awaitHealthy(site, to, createRoomMaker(site, { from, to, atLeast }));
  await share(site, { live: 0, other: 1 });
  await awaitSwitched(site, { to, from });
  await site.note({ up: Date.now() });
  return true;
}

/** The instances of before, which get no requests any more, go. */
export async function endLive(site: Site): Promise<void> {
  const live = site.live();
  await awaitFree(site, live);
  await takeDown(site, live);
}
