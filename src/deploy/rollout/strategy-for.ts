/** Which strategy a deployment has, of what runs when it begins. */
import type { Deployment } from '../../core/deployment.ts';
import type { Strategy } from '../../core/manifest.ts';

/** What nothing can be kept of needs no strategy, a way back shall be quick, and what is known needs no trial. */
export function strategyFor(
  { kind, restart, deploy }: Pick<Deployment, 'kind' | 'restart' | 'deploy'>,
  serving: { instances: number } | undefined,
): Strategy {
  const rolling: Strategy = { kind: 'rolling' };
  if (kind === 'rollback' || restart) return rolling;
  if (serving === undefined || serving.instances === 0) return rolling;
  // A deployment that an older Ekiden recorded knows no strategy.
  return deploy.strategy ?? rolling;
}
