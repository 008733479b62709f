/** Checks that the limits of builds hold with the builder that is used. */
import { lookAtCgroup } from '../clients/buildkit-cap.ts';
import { connectDocker } from '../clients/docker.ts';
import { type Check, fine, type Outcome, skipped, warned } from './check.ts';

export interface BuildLimitsOptions {
  dockerHost: string;
  builder: 'auto' | 'buildkit' | 'classic';
  /** MiB and processors of one build; undefined where no setting limits them. */
  memory: number | undefined;
  cpus: number | undefined;
}

/** Nothing is checked where nothing is to be limited. */
export function buildLimitsChecks(options: BuildLimitsOptions): Check[] {
  const { memory, cpus, builder, dockerHost } = options;
  if (memory === undefined && cpus === undefined) return [];
  const check: Check = {
    name: 'Build limits',
    async run() {
      if (builder === 'classic') return judgeLimits(options, undefined);
      const docker = connectDocker(dockerHost);
      const found = await lookAtCgroup({ docker, dockerHost }).catch(() => undefined);
      if (found === undefined) return skipped('Docker is not reached');
      return judgeLimits(options, found.obstacle);
    },
  };
  return [check];
}

/** `obstacle` is what keeps BuildKit from being limited. */
function judgeLimits(
  { builder, memory, cpus }: Omit<BuildLimitsOptions, 'dockerHost'>,
  obstacle: string | undefined,
): Outcome {
  const limits = [
    ...(memory === undefined ? [] : [`${memory} MiB`]),
    ...(cpus === undefined ? [] : [`${cpus} processors`]),
  ].join(' and ');
  if (builder === 'classic') return fine(`${limits} for each build`);
  if (obstacle === undefined) return fine(`${limits} times EKIDEN_BUILD_SLOTS for all builds`);
  return warned(
    `builds with BuildKit are not limited: ${obstacle}`,
    'EKIDEN_BUILDER=classic heeds them, or run the role build as root beside its daemon.',
  );
}
