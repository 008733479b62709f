/** Takes what somebody says of a canary. */
import type { Decision, Deployment, DeploymentStore } from '../../core/deployment.ts';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import { isUndecided } from '../../core/trial.ts';

export interface Deciding extends Decision {
  project: number;
  /** Id of the deployment. */
  id: string;
}

/**
 * Notes the word, which whoever works on the deployment reads at its next look; said twice it is the same.
 * @throws NotFoundError, ConflictError where nothing is to be decided, or was decided otherwise.
 */
export async function decide(
  { deployments }: { deployments: Pick<DeploymentStore, 'find' | 'update'> },
  { project, id, go, by }: Deciding,
): Promise<Deployment> {
  const found = await deployments.find(id);
  if (found?.project !== project) {
    throw new NotFoundError(`There is no deployment ${id}.`, {
      code: 'E_NOT_FOUND',
      hint: 'GET /api/v1/projects/…/deployments lists those that there are.',
    });
  }
  if (found.decision?.go === go) return found;
  if (found.decision) {
    throw new ConflictError(`${found.decision.by} has said ${found.decision.go} already.`, {
      code: 'E_NO_DECISION',
      hint:
        go === 'back'
          ? 'To go back from what was brought on, roll back.'
          : 'To bring on what was taken back, deploy its build again.',
    });
  }
  if (isUndecided(found)) return deployments.update(id, { decision: { go, by } });
  throw new ConflictError(`Deployment ${id} waits for no word.`, {
    code: 'E_NO_DECISION',
    hint: 'Only a canary does, while it runs beside what was there before.',
  });
}
