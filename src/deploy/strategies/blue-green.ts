/** All new instances start beside all old ones, get all requests at once, and the old ones stay a while. */
import { give } from '../rollout/giving.ts';
import { instancesFor } from '../rollout/instances-for.ts';
import { awaitSwitched, share } from '../rollout/shares.ts';
import { awaitHealthy, hold } from '../rollout/supervision.ts';
import { endLive } from './beside.ts';
import type { RolloutStrategy } from './strategy.ts';

export const blueGreen: RolloutStrategy = {
  async bring(site) {
    const [live, other] = [site.live(), site.other()];
    if (site.place().state === 'holding') return true;
    if (site.place().trial === undefined) {
      await share(site, { live: 1, other: 0 });
      const { release } = site;
      const trial = await give(site, { release, app: other, instances: await instancesFor(site) });
      await site.note({ state: 'trial', trial });
    }
    await awaitHealthy(site, other);
    await share(site, { live: 0, other: 1 });
    await awaitSwitched(site, { to: other, from: live });
    await site.note({ state: 'holding' });
    return true;
  },
  async settle(site) {
    const { strategy } = site.deployment.deploy;
    const keep = strategy.kind === 'blue-green' ? strategy.keep : 0;
    const instances = await instancesFor(site);
    await hold(site, { app: site.other(), instances, milliseconds: keep * 1000 });
    const { since, held = 0 } = site.place();
    await site.note({ held: held + Date.now() - since });
    await endLive(site);
  },
};
