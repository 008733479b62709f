/** Leg 3: brings a release into being in Marathon, watches it, and takes it back when it does not come up. */
import { type Deployment, isOpen } from '../core/deployment.ts';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { shortSha, supersededBy } from '../core/ref.ts';
import { masked, type ReversalOptions, reverse } from './reversal.ts';
import { type SendingOptions, send } from './sending.ts';
import { awaitRoute, watch } from './supervision.ts';

export interface DeployerOptions extends ReversalOptions, SendingOptions {}

export interface Deployer {
  deploy(id: string, handOn: HandOn, attempt: Attempt): Promise<JourneyEvent[]>;
}

/** The app is up, but whoever opens its address does not get there. */
const unrouted = 'healthy, but no balancer sends it requests yet';

export function createDeployer(options: DeployerOptions): Deployer {
  const { deployments } = options;

  return {
    async deploy(id, handOn, attempt) {
      const deployment = await deployments.find(id);
      if (!deployment) return [];
      if (!isOpen(deployment)) return endOf(deployment);
      try {
        refuseDeadly(attempt);
        return await run(options, deployment, handOn, attempt);
      } catch (error) {
        const tryAgain = !(error instanceof EkidenError) || error.retryable;
        if (attempt.signal.aborted || (tryAgain && !attempt.last)) {
          throw await withoutSecrets(options, id, error);
        }
        return end(options, id, 'failed', await reasonOf(options, id, error));
      }
    },
  };
}

/** What is thrown is logged, and Marathon may have repeated a part of the definition. */
async function withoutSecrets(options: DeployerOptions, id: string, error: unknown) {
  if (!(error instanceof RemoteError)) return error;
  const found = await options.deployments.find(id);
  const text = found ? await masked(options, found, error.message) : error.message;
  const { code, retryable } = error;
  return text === error.message ? error : new RemoteError(text, { code, retryable });
}

/** A deployment that has a reason already was on its way back. */
async function reasonOf(options: DeployerOptions, id: string, error: unknown) {
  const found = await options.deployments.find(id);
  // Marathon repeats parts of a definition that it refuses.
  const said = found ? await masked(options, found, messageOf(error)) : messageOf(error);
  return found?.reason ? `${found.reason}; the way back failed: ${said}` : said;
}

async function run(
  options: DeployerOptions,
  deployment: Deployment,
  handOn: HandOn,
  attempt: Attempt,
): Promise<JourneyEvent[]> {
  const sent = await send(options, deployment, handOn);
  if (sent === 'superseded') return supersede(options, deployment);
  const outcome = await watch(options, sent, attempt.signal);
  if (outcome === 'superseded') return supersede(options, deployment);
  if (outcome === 'late') {
    const reason = await reverse(options, sent, attempt.signal);
    if (reason === undefined) return supersede(options, deployment);
    return end(options, deployment.id, 'failed', reason);
  }
  await noteSuccess(options, sent);
  const isRouted = await awaitRoute(options, sent, attempt.signal);
  return end(options, deployment.id, 'succeeded', isRouted ? undefined : unrouted);
}

/** What somebody scaled an older manifest to is void once a newer one brought another number. */
async function noteSuccess({ releases, scales }: DeployerOptions, sent: Deployment): Promise<void> {
  const { app, kind, service, release = 0 } = sent;
  await releases.markGood(app, release);
  const scale = kind === 'rollback' ? undefined : await scales.find(app);
  if (scale && scale.manifest !== service.instances) await scales.forget(app);
}

async function supersede(options: DeployerOptions, { id, app }: Deployment) {
  const leader = await options.deployments.leader(app);
  const other = leader === undefined ? undefined : await options.deployments.find(leader);
  return end(options, id, 'superseded', other ? givenWayTo(other) : 'the app was taken down');
}

/** Why a deployment was given up for the one that the app follows in its place. */
export function givenWayTo({ kind, by = 'somebody', sha, release }: Deployment): string {
  switch (kind) {
    case 'rollback':
      return `superseded: ${by} rolled back to release ${release}`;
    case 'redeploy':
      return `superseded: ${by} deployed ${shortSha(sha)} again`;
    default:
      return supersededBy(sha);
  }
}

async function end(
  { deployments }: DeployerOptions,
  id: string,
  state: Deployment['state'],
  reason?: string,
): Promise<JourneyEvent[]> {
  await deployments.end(id, state, reason);
  const deployment = await deployments.find(id);
  return deployment ? endOf(deployment) : [];
}

/** A deployment that ended before it could say so says it again. */
function endOf({ id, state }: Deployment): JourneyEvent[] {
  return state === 'queued' || state === 'running'
    ? []
    : [{ type: `deployment.${state}`, deployment: id }];
}
