/** Each old instance goes when a new one is healthy in its place, which Marathon itself does. */
import { give } from '../rollout/giving.ts';
import { instancesFor } from '../rollout/instances-for.ts';
import { awaitRouted, shareLiveAlone } from '../rollout/shares.ts';
import type { Site } from '../rollout/site.ts';
import { awaitHealthy } from '../rollout/supervision.ts';
import type { RolloutStrategy } from './strategy.ts';

export const rolling: RolloutStrategy = {
  async bring(site) {
    if (site.place().sent === undefined) {
      await shareLiveAlone(site);
      await changeLive(site);
    }
    return followLive(site);
  },
  settle: async () => undefined,
};

/** Gives the app that serves the new definition. */
export async function changeLive(site: Site): Promise<void> {
  const { release } = site;
  const sent = await give(site, { release, app: site.live(), instances: await instancesFor(site) });
  await site.note({ state: 'rolling', sent });
}

/** Waits until all of it is new and gets requests. */
export async function followLive(site: Site): Promise<boolean> {
  await awaitHealthy(site, site.live());
  return awaitRouted(site, site.live());
}
