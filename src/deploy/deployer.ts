/** Leg 3: brings a release into being in Marathon, watches it, and takes it back when it does not come up. */
import type { Deployment } from '../core/deployment.ts';
import { EkidenError, messageOf } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { supersededBy } from '../core/ref.ts';
import { addressesOf, toApp } from './app-definition.ts';
import { type ReversalOptions, reverse } from './reversal.ts';
import { awaitRoute, watch } from './supervision.ts';

export interface DeployerOptions extends ReversalOptions {
  install: string;
  domain: string;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
}

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
        if (attempt.signal.aborted || (tryAgain && !attempt.last)) throw error;
        return end(options, id, 'failed', await reasonOf(options, id, error));
      }
    },
  };
}

/** A deployment that has a reason already was on its way back. */
async function reasonOf({ deployments }: DeployerOptions, id: string, error: unknown) {
  const reason = (await deployments.find(id))?.reason;
  return reason ? `${reason}; the way back failed: ${messageOf(error)}` : messageOf(error);
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
  await options.releases.markGood(sent.app, sent.release ?? 0);
  const isRouted = await awaitRoute(options, sent, attempt.signal);
  return end(options, deployment.id, 'succeeded', isRouted ? undefined : unrouted);
}

/** Gives Marathon the definition, unless an earlier attempt did. */
async function send(options: DeployerOptions, deployment: Deployment, handOn: HandOn) {
  if (deployment.marathon) return deployment;
  const { marathon, deployments, releases, install, domain, urlOf } = options;
  const { id, app } = deployment;
  const start = Date.now();
  const number = deployment.release ?? (await releases.next(app));
  const definition = toApp(deployment, { install, domain, release: number });
  await releases.create({
    ...pick(deployment),
    number,
    service: deployment.service.name,
    definition,
    createdAt: start,
  });
  await deployments.update(id, {
    release: number,
    state: 'running',
    addresses: addressesOf(deployment, domain).map(urlOf),
    legs: [{ name: 'deploy', start }],
  });
  await handOn({ type: 'deployment.started', deployment: id });
  return options.exclusively(app, async () => {
    if ((await deployments.leader(app)) !== id) return 'superseded' as const;
    // Whatever still goes on there belongs to a commit that this one replaces.
    const { version, deploymentId } = await marathon.putApp(definition, { force: true });
    return deployments.update(id, { marathon: { version, deployment: deploymentId } });
  });
}

function pick({ app, project, environment, sha, build, image, fragments }: Deployment) {
  return { app, project, environment, sha, build, image, fragments };
}

async function supersede(options: DeployerOptions, { id, app }: Deployment) {
  const leader = await options.deployments.leader(app);
  const other = leader === undefined ? undefined : await options.deployments.find(leader);
  const by = other ? supersededBy(other.sha) : 'the app was taken down';
  return end(options, id, 'superseded', by);
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

function isOpen({ state }: Deployment): boolean {
  return state === 'queued' || state === 'running';
}
