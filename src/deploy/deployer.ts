/** Leg 3: brings a release into being in Marathon, watches it, and takes it back when it does not come up. */
import type { Deployment, Durations, Place } from '../core/deployment.ts';
import { isOpen } from '../core/deployment.ts';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import type { HandOn, JourneyEvent } from '../core/event.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import { shortSha, supersededBy } from '../core/ref.ts';
import type { NumberedBy } from '../core/release.ts';
import { leaderOf } from './leader.ts';
import { type CommandOptions, runCommand } from './rollout/commands.ts';
import { isOursAt } from './rollout/places.ts';
import { whyNotHealthy } from './rollout/progress.ts';
import { masked, type ReversalOptions, reverse } from './rollout/reversal.ts';
import { createRollout, type Rollout, type RolloutOptions } from './rollout/rollout.ts';
import { type Failed, Overtaken, Unwell } from './rollout/site.ts';
import { type Started, type StartOptions, start } from './rollout/start.ts';
import { noteFailure, noteSuccess, refuseBad, warningsOf } from './rollout/verdict.ts';

export interface DeployerOptions
  extends ReversalOptions,
    Omit<RolloutOptions, 'explain'>,
    CommandOptions,
    StartOptions {
  dataCentres: RolloutOptions['dataCentres'];
  releases: StartOptions['releases'];
  durations: Durations;
  /** Makes records of releases again where those of the environment were lost. */
  ensureNumbered?: (where: NumberedBy) => Promise<void>;
  /** Says why what is tried does not become healthy; default: from what Marathon shows of it. */
  explain?: RolloutOptions['explain'];
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
      if (!isOpen(deployment) || deployment.state === 'held') return endOf(deployment);
      try {
        refuseDeadly(attempt);
        return await run(options, deployment, handOn, attempt);
      } catch (error) {
        const tryAgain = !(error instanceof EkidenError) || error.retryable;
        if (attempt.signal.aborted || (tryAgain && !attempt.last)) {
          const told = await withoutSecrets(options, id, error);
          if (!attempt.signal.aborted) await noteWaiting(options, id, told);
          throw told;
        }
        return giveUp(options, id, error);
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

/** Until it is tried again, people read what it waits for. */
async function noteWaiting({ deployments }: DeployerOptions, id: string, error: unknown) {
  const waiting = `${messageOf(error).replace(/\.$/, '')}; it is tried again`;
  // What went wrong may be Redis itself, and is worth more than what that says now.
  await deployments.update(id, { waiting }).catch(() => undefined);
}

/** What could not even be taken back is bad, so that it is once Marathon answers again. */
async function giveUp(options: DeployerOptions, id: string, error: unknown) {
  const found = await options.deployments.find(id);
  const reason = await reasonOf(options, found, error);
  const { app, release, kind, failure } = found ?? {};
  const isBad = failure && kind !== 'rollback' && app !== undefined && release !== undefined;
  if (isBad) await options.releases.markBad(app, release, reason);
  return end(options, id, 'failed', reason);
}

/** A deployment that has a failure already was on its way back. */
async function reasonOf(options: DeployerOptions, found: Deployment | undefined, error: unknown) {
  // Marathon repeats parts of a definition that it refuses.
  const said = found ? await masked(options, found, messageOf(error)) : messageOf(error);
  const { what, why = what } = found?.failure ?? { what: undefined };
  return why === undefined ? said : `${why}; the way back failed: ${said}`;
}

async function run(
  options: DeployerOptions,
  deployment: Deployment,
  handOn: HandOn,
  { signal }: Attempt,
): Promise<JourneyEvent[]> {
  const { deployments } = options;
  await options.ensureNumbered?.(deployment);
  await refuseBad(options, deployment);
  if ((await deployments.leader(deployment.app)) !== deployment.id) {
    return supersede(options, deployment);
  }
  if (deployment.waiting) await deployments.update(deployment.id, { waiting: '' });
  const started = await start(options, deployment, handOn);
  const { explain = whyUnwell } = options;
  const rollout = createRollout({ ...options, explain }, started.deployment, {
    ...started,
    signal,
  });
  try {
    const isRouted = await goOn(options, started, rollout, signal);
    await noteSuccess(options, started, rollout);
    const warnings = warningsOf(rollout.sites);
    if (warnings.length > 0) {
      const told = [...(started.deployment.warnings ?? []), ...warnings];
      await deployments.update(deployment.id, { warnings: told });
    }
    return end(options, deployment.id, 'succeeded', isRouted ? undefined : unrouted);
  } catch (error) {
    signal.throwIfAborted();
    return endOtherwise(options, started, rollout, error);
  }
}

async function whyUnwell({ app, release, place }: Failed): Promise<string> {
  return whyNotHealthy(app, isOursAt(place, release, app));
}

/** Answers whether balancers have followed. @throws Unwell, Overtaken, and what Marathon throws. */
async function goOn(
  options: DeployerOptions,
  started: Started,
  rollout: Rollout,
  signal: AbortSignal,
): Promise<boolean> {
  const { failure } = started.deployment;
  if (failure) throw new Unwell(failure.what, failure.why);
  if (!rollout.sites.some(({ place }) => place().begun !== undefined)) {
    await runCommand(options, { started, rollout, when: 'before' }, signal);
  }
  const isRouted = await rollout.bring();
  await runCommand(options, { started, rollout, when: 'after' }, signal);
  await rollout.settle();
  return isRouted;
}

/** Ends a deployment that did not come to its end: it gives way, goes back, or throws for another try. */
async function endOtherwise(
  options: DeployerOptions,
  started: Started,
  rollout: Rollout,
  error: unknown,
): Promise<JourneyEvent[]> {
  try {
    if (error instanceof Overtaken) throw error;
    const failure = failureOf(error, rollout);
    if (failure === undefined) throw error;
    const reason = await goBack(options, started, rollout, failure);
    return await end(options, started.deployment.id, 'failed', reason);
  } catch (last) {
    if (!(last instanceof Overtaken)) throw last;
    if (await wasLive(options, started, rollout)) {
      return end(options, started.deployment.id, 'succeeded');
    }
    return supersede(options, started.deployment);
  }
}

type Failure = NonNullable<Deployment['failure']>;

/** What Marathon refuses for good is a failure once something was sent somewhere. */
function failureOf(error: unknown, { sites }: Rollout): Failure | undefined {
  if (error instanceof Unwell) {
    return { what: error.what, ...(error.why === undefined ? {} : { why: error.why }) };
  }
  const isRefused = error instanceof EkidenError && !error.retryable;
  const isSent = sites.some(({ place }) => place().sent ?? place().trial);
  return isRefused && isSent ? { what: 'Marathon refused it', why: error.message } : undefined;
}

async function goBack(
  options: DeployerOptions,
  started: Started,
  rollout: Rollout,
  { what, why: told }: Failure,
): Promise<string> {
  const { id, app } = started.deployment;
  const about = { app, release: started.release.number };
  const why = told === undefined ? undefined : await masked(options, about, told);
  const failure = { what, ...(why === undefined ? {} : { why }) };
  // Noted before anything changes: once the way back is taken, Marathon no longer shows it.
  await options.deployments.update(id, { failure, reason: why ?? what });
  await endLegs(options, id);
  // Whoever overtakes the way back knows no more of the release than that it failed.
  await noteFailure(options, started, rollout, saidOf(failure));
  const back = await reverse(options, rollout.sites);
  const reason = saidOf({ ...failure, what: `${what}, ${back}` });
  await noteFailure(options, started, rollout, reason);
  return reason;
}

/** Who answered all requests when a newer push came has done what it was to do. */
async function wasLive(
  { deployments, releases }: DeployerOptions,
  { deployment: { id, app }, release }: Started,
  { sites }: Rollout,
): Promise<boolean> {
  if ((await deployments.find(id))?.failure) return false;
  const isLive = sites.every(({ place }) => servesAlone(place()));
  const other = await leaderOf(deployments, app);
  if (!isLive || !other || other.kind === 'rollback') return false;
  await releases.markGood(app, release.number);
  return true;
}

function servesAlone({ state, strategy, beside, up }: Place): boolean {
  if (state === 'done') return true;
  if (strategy === 'blue-green') return state === 'holding';
  return state === 'rolling' && beside !== undefined && up !== undefined;
}

/** What had failed before another one came has failed all the same. */
async function supersede(options: DeployerOptions, { id, app }: Deployment) {
  const other = await leaderOf(options.deployments, app);
  const reason = other ? givenWayTo(other) : 'the app was taken down';
  const failure = (await options.deployments.find(id))?.failure;
  if (failure === undefined) return end(options, id, 'superseded', reason);
  return end(options, id, 'failed', saidOf({ ...failure, what: `${failure.what}, ${reason}` }));
}

function saidOf({ what, why }: Failure): string {
  return why === undefined ? what : `${what}: ${why}`;
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
  if (state !== 'succeeded') await endLegs({ deployments }, id);
  const deployment = await deployments.find(id);
  return deployment ? endOf(deployment) : [];
}

/** The way back is no part of what had not come to its end. */
async function endLegs({ deployments }: Pick<DeployerOptions, 'deployments'>, id: string) {
  const { legs = [] } = (await deployments.find(id)) ?? {};
  if (legs.every((leg) => leg.end !== undefined)) return;
  const now = Date.now();
  await deployments.update(id, { legs: legs.map((leg) => ({ end: now, ...leg })) });
}

/** A deployment that ended before it could say so says it again. */
function endOf({ id, state }: Deployment): JourneyEvent[] {
  return state === 'held' || state === 'queued' || state === 'running'
    ? []
    : [{ type: `deployment.${state}`, deployment: id }];
}
