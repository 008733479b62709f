/** How many instances a release gets. */
import type { Deployment } from '../../core/deployment.ts';
import type { CanarySize, ServiceSpec } from '../../core/manifest.ts';
import type { Scale } from '../../core/release.ts';
import type { Site } from './site.ts';

/**
 * What a person asked for counts until a new image comes with another number in its manifest; on a way
 * back it always counts, since the load is as it was.
 */
export function instancesOf(
  spec: ServiceSpec,
  scale: Scale | undefined,
  kind: Deployment['kind'],
): number {
  if (scale === undefined) return spec.instances;
  return kind === 'rollback' || scale.manifest === spec.instances
    ? scale.instances
    : spec.instances;
}

/** For the release of a deployment. */
export async function instancesFor({ options, release, service, deployment }: Site) {
  return instancesOf(release.spec, await options.scales.find(service), deployment.kind);
}

/** How many of 100 requests a canary gets; undefined where each of its instances gets as many as another one. */
export function canaryPercentOf({ strategy }: Pick<Deployment['deploy'], 'strategy'>) {
  if (strategy.kind !== 'canary' || typeof strategy.instances === 'number') return undefined;
  return Number.parseFloat(strategy.instances);
}

/** How many of so many instances a canary has: at least one, a share rounded up, never more than all. */
export function canarySizeOf(size: CanarySize, instances: number): number {
  const wanted =
    typeof size === 'number' ? size : Math.ceil((Number.parseFloat(size) * instances) / 100);
  return Math.max(1, Math.min(wanted, instances));
}
