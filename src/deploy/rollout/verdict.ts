/** What follows from how a deployment went, for its release and for those to come. */
import type { Deployment, Durations } from '../../core/deployment.ts';
import { ConflictError } from '../../core/errors.ts';
import { shortSha } from '../../core/ref.ts';
import type { Release, ReleaseStore, ScaleStore } from '../../core/release.ts';
import { keptWeights, restoredWeights, type TrafficStore } from '../../core/traffic.ts';
import { instancesOf } from './instances-for.ts';
import { warningOf } from './late-places.ts';
import type { Rollout } from './rollout.ts';
import type { Site } from './site.ts';
import type { Started } from './start.ts';

export interface VerdictOptions {
  releases: Pick<ReleaseStore, 'markGood' | 'markBad'>;
  scales: ScaleStore;
  durations: Durations;
  traffic: Pick<TrafficStore, 'find' | 'save'>;
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
}

/**
 * What did not work once is not tried again by itself.
 * @throws ConflictError for a push of it that has not begun.
 */
export async function refuseBad(options: Refusing, deployment: Deployment): Promise<void> {
  const { kind, state, sha, build } = deployment;
  if (kind !== 'push' || state !== 'queued') return;
  if (!(await isRefused(options, deployment))) return;
  throw new ConflictError(
    `${shortSha(sha)} did not work here before, and is not deployed again by itself: ekiden deploy --build ${build} does it all the same.`,
    { code: 'E_BAD_RELEASE', hint: 'Push a commit that mends it, or deploy it by hand.' },
  );
}

export interface Refusing {
  releases: Pick<ReleaseStore, 'isBad'>;
}

/** True for a push of what did not work before. */
export async function isRefused(
  { releases }: Refusing,
  { app, image, sha, by }: Pick<Deployment, 'app' | 'image' | 'sha' | 'by'>,
): Promise<boolean> {
  // What nobody asked for is the same attempt, also where its image was made anew with other bytes.
  return releases.isBad(app, by === undefined ? { sha } : { image, sha });
}

/** What somebody scaled an older manifest to is void once a newer one brought another number. */
export async function noteSuccess(
  options: VerdictOptions,
  { deployment: { app, kind, service }, release }: Started,
  { sites }: Rollout,
): Promise<void> {
  const { scales, durations } = options;
  const isBack = kind === 'rollback';
  const scale = await scales.find(app);
  // Of what somebody has stopped nothing is known before it is started again.
  const isStopped = service.instances > 0 && instancesOf(service, scale, kind) === 0;
  if (isBack || !isStopped) await noteWeights(options, app, { isBack, release });
  if (!isStopped) await durations.add(app, Math.max(...sites.map(secondsAt)));
  if (!isBack && scale && scale.manifest !== service.instances) await scales.forget(app);
}

/** A release that comes back brings its weights along, and keeps those of now otherwise. */
async function noteWeights(
  { releases, traffic, exclusively }: VerdictOptions,
  app: string,
  { isBack, release }: { isBack: boolean; release: Release },
): Promise<void> {
  const { number, weights } = release;
  if (!isBack || weights === undefined) {
    return releases.markGood(app, number, keptWeights(await traffic.find(app), app));
  }
  // A newer deployment may share requests among the two apps meanwhile.
  await exclusively(app, async () => {
    await traffic.save(app, restoredWeights(await traffic.find(app), app, weights));
  });
  await releases.markGood(app, number);
}

/** How long it took until it was up there, without the time in which it was only looked at. */
function secondsAt({ place }: Site): number {
  const { state, since, begun = since, held = 0, up } = place();
  const end = up ?? (state === 'done' ? since : Date.now());
  return Math.max(0, end - begun - held) / 1000;
}

/**
 * An earlier release that could not be brought back was good once, and one that Marathon took nowhere is
 * not bad; what failed before it began anywhere failed in its command before.
 */
export async function noteFailure(
  { releases }: Pick<VerdictOptions, 'releases'>,
  { deployment: { app, kind }, release }: Started,
  { sites }: Rollout,
  reason: string,
): Promise<void> {
  const wasSent = sites.some(({ place }) => place().sent ?? place().trial);
  const hasBegun = sites.some(({ place }) => place().begun !== undefined);
  if ((wasSent || !hasBegun) && kind !== 'rollback')
    await releases.markBad(app, release.number, reason);
}

/** Where the release is not yet. */
export function warningsOf(sites: readonly Site[]): string[] {
  return sites.flatMap(({ place }) => (place().state === 'away' ? [warningOf(place())] : []));
}
