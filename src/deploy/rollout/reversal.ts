/** Takes a release back that is not to stay, in every data centre to which it was sent. */
import type { MarathonApp } from '../../clients/marathon.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Release, ReleaseStore } from '../../core/release.ts';
import { mask, secretValuesOf } from '../../core/secret.ts';
import { appsAt, give, takeDown } from './giving.ts';
import { instancesOf } from './instances-for.ts';
import { releaseOf } from './live.ts';
import { refill, servedBefore } from './moving.ts';
import { awaitFree, share } from './shares.ts';
import { isAway, lookEvery, type Site } from './site.ts';

export interface ReversalOptions {
  releases: Pick<ReleaseStore, 'find' | 'lastGood'>;
  log: Log;
}

/** How long the way back may take before the failure is reported all the same. */
const reversalPatience = 60_000;

/**
 * Makes the last good release current again; without one, nothing is left of the attempt. Answers how
 * it went back, in a few words.
 */
export async function reverse(
  { releases, log }: ReversalOptions,
  sites: readonly Site[],
): Promise<string> {
  const [first] = sites;
  const good = first && (await releases.lastGood(first.service));
  let isChanged = false;
  for (const site of sites.filter(wasReached)) {
    isChanged = true;
    if (site.place().state === 'returned') continue;
    try {
      await giveBack(site, good);
      await site.note({ state: 'returned' });
    } catch (error) {
      if (!isAway(error) || sites.length === 1) throw error;
      // Whoever brings data centres up to date takes it back there once it answers.
      await site.note({ state: 'away', reason: messageOf(error) });
      log.warn(
        { dataCentre: site.dataCentre, error: messageOf(error) },
        'it did not go back there',
      );
    }
  }
  if (!isChanged) return 'nothing was changed';
  return good ? `back to release ${good.number}` : 'taken down';
}

/** One without a strategy was in the middle of a switch. */
function wasReached(site: Site): boolean {
  const { begun, state, strategy } = site.place();
  return begun !== undefined && (state !== 'waiting' || strategy === undefined);
}

async function giveBack(site: Site, good: Release | undefined): Promise<void> {
  if (good) await refillLive(site);
  const apps = await appsAt(site);
  const [live, other] = [site.live(), site.other()].map((id) => apps.find((app) => app.id === id));
  // Where the old instances are gone already, those of the new one become the old release.
  const kept = live ?? other;
  if (kept === undefined) return;
  if (live && other) await share(site, { live: 1, other: 0 });
  if (good) await makeCurrent(site, good, kept);
  else await takeDown(site, kept.id);
  await awaitUnlocked(site, kept.id);
  if (!live || !other) return;
  await awaitFree(site, other.id);
  await takeDown(site, other.id);
}

/** Those that gave way to the release are back before it loses its requests. */
async function refillLive(site: Site): Promise<void> {
  const atLeast = await servedBefore(site.options, site.service, site.place());
  const [from, to] = [site.other(), site.live()];
  const [other, live] = await Promise.all([site.look(from), site.look(to)]);
  if (other && live && live.instances < atLeast) await refill(site, { from, to, atLeast });
}

/** The number of instances is no part of what failed, so what somebody asked for stays. */
async function makeCurrent(site: Site, release: Release, app: MarathonApp): Promise<void> {
  const { options, marathon } = site;
  const scale = await options.scales.find(release.app);
  const instances = instancesOf(release.spec, scale, 'rollback');
  await give(site, { release, app: app.id, instances });
  // What was kept beside a switch was not scaled with the one that served.
  const isKept = releaseOf(app) === release.number && app.instances < instances;
  if (isKept) await site.asLeader(() => marathon.scale(app.id, instances, { force: true }));
}

/** The next push shall find the app unlocked, and the old definition in force. */
async function awaitUnlocked(site: Site, app: string): Promise<void> {
  const isFree = async () => {
    const running = await site.marathon.deployments();
    if (!running.some((each) => each.affectedApps.includes(app))) return true;
    await site.refuseOvertaken();
    return false;
  };
  await site.until(isFree, { patience: reversalPatience, every: lookEvery });
}

/** A text of Marathon or of a check without the secrets that the app was given, or is given back. */
export async function masked(
  { releases }: Pick<ReversalOptions, 'releases'>,
  { app, release }: { app: string; release?: number },
  text: string,
): Promise<string> {
  const made = release === undefined ? undefined : await releases.find(app, release);
  const involved = [made, await releases.lastGood(app)].filter((each) => each !== undefined);
  return mask(text, involved.flatMap(secretValuesOf));
}
