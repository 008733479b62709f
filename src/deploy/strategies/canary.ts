/** A few new instances get their share of requests until it is known, or said, how they do. */
import { give, takeDown } from '../rollout/giving.ts';
import { canaryPercentOf, canarySizeOf, instancesFor } from '../rollout/instances-for.ts';
import { grow } from '../rollout/moving.ts';
import { awaitFree, awaitSwitched, share } from '../rollout/shares.ts';
import { type Site, Unwell } from '../rollout/site.ts';
import { awaitHealthy, hold } from '../rollout/supervision.ts';
import { endLive, moveOver } from './beside.ts';
import { changeLive, followLive } from './rolling.ts';
import type { RolloutStrategy } from './strategy.ts';

export const canary: RolloutStrategy = {
  async bring(site) {
    if (site.place().state !== 'rolling') {
      const instances = await sizeFor(site);
      if (site.place().state !== 'holding') await tryOut(site, instances);
      await holdCanary(site, instances);
    }
    if (site.place().beside !== undefined) return followBeside(site);
    if (site.place().sent === undefined) await changeLive(site);
    const isRouted = await followLive(site);
    if (site.place().up === undefined) await site.note({ up: Date.now() });
    return isRouted;
  },
  async settle(site) {
    if (site.place().beside !== undefined) return endLive(site);
    await share(site, { live: 1, other: 0 });
    await awaitFree(site, site.other());
    await takeDown(site, site.other());
  },
};

/** The others start where the canary is, and the old ones go. */
async function followBeside(site: Site): Promise<boolean> {
  await grow(site, site.other(), await instancesFor(site));
  // Whoever has all requests keeps them.
  const percent = canaryPercentOf(site.deployment.deploy);
  return moveOver(site, percent === 100 ? percent : undefined);
}

async function sizeFor(site: Site): Promise<number> {
  const { strategy } = site.deployment.deploy;
  const all = await instancesFor(site);
  return strategy.kind === 'canary' ? canarySizeOf(strategy.instances, all) : 1;
}

async function tryOut(site: Site, instances: number): Promise<void> {
  const { release } = site;
  const other = site.other();
  if (site.place().trial === undefined) {
    await share(site, { live: 1, other: 0 });
    const trial = await give(site, { release, app: other, instances });
    await site.note({ state: 'trial', trial });
  }
  // Who takes it back need not wait for the deadline; who says on still waits until it is healthy.
  await awaitHealthy(site, other, () => hasWord(site));
  await share(site, { live: 1, other: 1, percent: canaryPercentOf(site.deployment.deploy) });
  await awaitSwitched(site, { to: other });
  await site.note({ state: 'holding' });
}

async function holdCanary(site: Site, instances: number): Promise<void> {
  const { strategy } = site.deployment.deploy;
  const wanted = strategy.kind === 'canary' ? strategy.hold : 0;
  const milliseconds = wanted === 'manual' ? undefined : wanted * 1000;
  await hold(site, { app: site.other(), instances, milliseconds, ends: () => hasWord(site) });
  const { since, held: before = 0, beside } = site.place();
  const held = before + Date.now() - since;
  if (beside === undefined) return site.note({ state: 'rolling', held });
  // Somebody may have scaled it meanwhile, which nobody can from here on.
  await site.asLeader(async () => {
    const live = await site.look(site.live());
    await site.note({ state: 'rolling', held, beside: live?.instances ?? beside });
  });
}

/** True once somebody said that it goes on. @throws Unwell when somebody said that it goes back. */
async function hasWord({ options, deployment: { id } }: Site): Promise<boolean> {
  const decision = (await options.deployments.find(id))?.decision;
  if (decision?.go === 'back') throw new Unwell(`${decision.by} took it back`);
  return decision?.go === 'on';
}
