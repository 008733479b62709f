/** Leg 3: brings a release into being in Marathon, watches it, and takes it back when it does not come up. */
import type { Marathon } from '../clients/marathon.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { Attempt } from '../core/queue.ts';
import { supersededBy } from '../core/ref.ts';
import type { ReleaseStore } from '../core/release.ts';
import { type Leg, type LegName, withLeg } from '../core/timeline.ts';
import { addressesOf, toApp } from './app-definition.ts';
import { progressOf, runningVersion, whyNotHealthy } from './progress.ts';

export interface DeployerOptions {
  marathon: Marathon;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  /** Runs work on one app while nobody else does. */
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
  /** True once every balancer sends requests to these instances of the app, or there is none. */
  isRouted: (app: string, instances: string[]) => Promise<boolean>;
  install: string;
  domain: string;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
  log: Log;
}

export interface Deployer {
  deploy(id: string, handOn: HandOn, attempt: Attempt): Promise<JourneyEvent[]>;
}

/** Milliseconds between looks; Marathon's events are only hints, and this is one small answer. */
const lookEvery = 200;

/** A balancer that has not followed by then is reported in the log; the app itself is up. */
const routePatience = 15_000;

/** How long the way back may take before the failure is reported all the same. */
const reversalPatience = 60_000;

export function createDeployer(options: DeployerOptions): Deployer {
  const { deployments } = options;

  return {
    async deploy(id, handOn, attempt) {
      const deployment = await deployments.find(id);
      if (!deployment) return [];
      if (!isOpen(deployment)) return endOf(deployment);
      try {
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
  if (outcome === 'late') return reverse(options, sent, attempt.signal);
  await options.releases.markGood(sent.app, sent.release ?? 0);
  await awaitRoute(options, sent, attempt.signal);
  return end(options, deployment.id, 'succeeded');
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

type Outcome = 'healthy' | 'late' | 'superseded';

async function watch(
  options: DeployerOptions,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<Outcome> {
  const { deployments } = options;
  const { id, app, service, deadline } = deployment;
  const start = deployment.legs.find((leg) => leg.name === 'deploy')?.start ?? Date.now();
  const legs = createLegs(options, deployment);
  for (;;) {
    signal.throwIfAborted();
    if ((await deployments.leader(app)) !== id) return 'superseded';
    const found = await look(options, app, signal);
    const version = runningVersion(found, deployment);
    const progress = found && progressOf(found, version, service.instances);
    if (progress?.isRunning) await legs.hand('deploy', 'health');
    if (progress?.isHealthy) {
      await legs.hand('health', 'route');
      return 'healthy';
    }
    if (Date.now() - start > deadline * 1000) return 'late';
    await pause(lookEvery);
  }
}

/** What Marathon shows of the app. It can refuse a definition for good, but never a look at one. */
async function look({ marathon }: DeployerOptions, app: string, signal: AbortSignal) {
  try {
    return await marathon.app(app, { signal });
  } catch (error) {
    if (!(error instanceof RemoteError) || error.retryable) throw error;
    throw new RemoteError(error.message, { code: error.code, cause: error });
  }
}

/** Ends one leg and begins the next, once. */
function createLegs({ deployments }: DeployerOptions, deployment: Deployment) {
  let legs: Leg[] = deployment.legs;
  return {
    async hand(from: LegName, to: LegName) {
      const open = legs.find((leg) => leg.name === from);
      if (!open || open.end !== undefined) return;
      const now = Date.now();
      legs = withLeg(withLeg(legs, { ...open, end: now }), { name: to, start: now });
      await deployments.update(deployment.id, { legs });
    },
  };
}

async function awaitRoute(options: DeployerOptions, sent: Deployment, signal: AbortSignal) {
  const { deployments, isRouted, log } = options;
  const giveUp = Date.now() + routePatience;
  while (sent.addresses.length > 0) {
    signal.throwIfAborted();
    const app = await look(options, sent.app, signal);
    const version = runningVersion(app, sent);
    const healthy = app ? progressOf(app, version, sent.service.instances).healthy : [];
    const instances = healthy.map((task) => task.id);
    if (await isRouted(sent.app, instances)) break;
    if (Date.now() > giveUp) {
      log.warn({ app: sent.app }, 'no balancer said that it sends requests to the new release');
      break;
    }
    await pause(lookEvery / 4);
  }
  const { legs } = (await deployments.find(sent.id)) ?? sent;
  const route = legs.find((leg) => leg.name === 'route');
  if (route)
    await deployments.update(sent.id, { legs: withLeg(legs, { ...route, end: Date.now() }) });
}

/** Makes the last good release current again; without one, nothing is left of the attempt. */
async function reverse(
  options: DeployerOptions,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<JourneyEvent[]> {
  const { marathon, deployments, releases } = options;
  const { id, app, deadline } = deployment;
  const why = deployment.reason ?? (await explain(options, deployment, signal));
  // Noted before anything changes: once the way back is taken, Marathon no longer shows it.
  await deployments.update(id, { reason: why });
  const good = await releases.lastGood(app);
  const isLeader = await options.exclusively(app, async () => {
    if ((await deployments.leader(app)) !== id) return false;
    if (good) await marathon.putApp(good.definition as { id: string }, { force: true });
    else await marathon.deleteApp(app, { force: true });
    return true;
  });
  if (!isLeader) return supersede(options, deployment);
  await awaitUnlocked(options, deployment, signal);
  const back = good ? `back to release ${good.number}` : 'taken down';
  return end(options, id, 'failed', `not healthy after ${deadline} s, ${back}: ${why}`);
}

async function explain(options: DeployerOptions, deployment: Deployment, signal: AbortSignal) {
  const found = await look(options, deployment.app, signal);
  return whyNotHealthy(found, runningVersion(found, deployment));
}

async function awaitUnlocked(
  options: DeployerOptions,
  { id, app }: Deployment,
  signal: AbortSignal,
) {
  const { marathon, deployments } = options;
  const giveUp = Date.now() + reversalPatience;
  while (Date.now() < giveUp && !signal.aborted) {
    const running = await marathon.deployments();
    if (!running.some((each) => each.affectedApps.includes(app))) return;
    if ((await deployments.leader(app)) !== id) return;
    await pause(lookEvery);
  }
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
