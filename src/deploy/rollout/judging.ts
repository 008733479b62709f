/** Finds out how a release is that its own deployment could not tell of: one that was overtaken, or came to a stopped service. */
import type { PlacedApp } from '../../clients/data-centres.ts';
import type { MarathonApp } from '../../clients/marathon.ts';
import { keptWeights } from '../../core/traffic.ts';
import { leaderOf } from '../leader.ts';
import { liveApps, nameOf } from '../services/apps.ts';
import { type CatchingUpOptions, isSettled } from './behind.ts';
import { leastAtFirst } from './deadline.ts';
import { releaseOf } from './live.ts';
import { progressOf, versionsOf, whyNotHealthy } from './progress.ts';
import { masked } from './reversal.ts';

/** Milliseconds after which an instance that no check looks at is believed in. */
const settling = 10_000;

export interface JudgedFacts {
  now: number;
  /** Seconds that instances have to become healthy. */
  deadline: number;
}

/** Of the apps that have the release in each data centre; undefined while nothing is known. */
export function verdictOn(
  apps: readonly MarathonApp[],
  { now, deadline }: JudgedFacts,
): 'good' | 'bad' | undefined {
  const wanted = apps.filter(({ instances }) => instances > 0);
  if (wanted.length === 0) return undefined;
  const unwell = wanted.filter((app) => !isHealthy(app, now));
  if (unwell.length === 0) return 'good';
  return unwell.some((app) => now - changeOf(app) > deadline * 1000) ? 'bad' : undefined;
}

function isHealthy(app: MarathonApp, now: number): boolean {
  const hasSettled = ({ startedAt }: { startedAt?: string | undefined }) =>
    startedAt !== undefined && now - Date.parse(startedAt) > settling;
  return progressOf(app, { isOurs: oursIn(app), hasSettled }).isHealthy;
}

function oursIn(app: MarathonApp) {
  return versionsOf(app, { release: releaseOf(app) });
}

/** When the app was last given another definition, or another number of instances. */
function changeOf({ version, versionInfo }: MarathonApp): number {
  const { lastConfigChangeAt = version, lastScalingAt = version } = versionInfo ?? {};
  return Math.max(Date.parse(lastConfigChangeAt), Date.parse(lastScalingAt));
}

/** Marks the release that serves, newer than the last good one, as soon as it is known how it is. */
export async function judge(
  options: CatchingUpOptions,
  service: string,
  apps: PlacedApp[],
): Promise<void> {
  const { releases, traffic } = options;
  await remember(options, service, apps);
  const good = await releases.lastGood(service);
  const serving = await liveApps(apps, traffic);
  const release = Math.max(...serving.map(releaseOf));
  if (serving.length === 0 || release <= (good?.number ?? 0)) return;
  const verdict = await verdictFor(options, service, { release, serving });
  // Without a good one there is nothing to go back to.
  if (verdict === undefined || (verdict.is === 'bad' && !good)) return;
  await options.exclusively(service, async () => {
    if (!(await isSettled(options, service))) return;
    if (verdict.is === 'bad') await releases.markBad(service, release, verdict.reason);
    else
      await releases.markGood(service, release, keptWeights(await traffic.find(service), service));
    options.log.info({ app: service, release, verdict: verdict.is }, 'a release was judged late');
  });
  if (verdict.is === 'good') await options.onGood?.(verdict.leader);
}

/** After a loss of Redis nobody else would ask for what is lost before the next push. */
async function remember(
  { releases, deployments, ensureNumbered }: CatchingUpOptions,
  service: string,
  [app]: PlacedApp[],
): Promise<void> {
  const where = app && nameOf(app);
  if (!where || !ensureNumbered || (await releases.lastGood(service))) return;
  if ((await deployments.leader(service)) === undefined) await ensureNumbered(where);
}

interface Judged {
  release: number;
  serving: readonly PlacedApp[];
}

async function verdictFor(
  options: CatchingUpOptions,
  service: string,
  { release, serving }: Judged,
) {
  const { releases, deployments } = options;
  if ((await releases.standing(service, release))?.state !== 'trying') return undefined;
  const leader = await leaderOf(deployments, service);
  if (!leader || !(await isSettled(options, service))) return undefined;
  const having = serving.filter((app) => releaseOf(app) === release);
  const deadline = leader.deadline ?? leastAtFirst;
  const is = verdictOn(having, { now: Date.now(), deadline });
  if (is === undefined) return undefined;
  const [first] = having.filter((app) => !isHealthy(app, Date.now()));
  const why = first ? whyNotHealthy(first, oursIn(first)) : '';
  const said = `not healthy after ${deadline} s: ${why}`;
  const reason = await masked(options, { app: service, release }, said);
  return { is, reason, leader: leader.id };
}
