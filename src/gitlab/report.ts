/** Words the commit statuses by which GitLab shows each leg of the journey. */
import type { StatusState } from '../clients/gitlab.ts';
import type { Build, BuildStore } from '../core/build.ts';
import { type Deployment, type DeploymentStore, isOpen } from '../core/deployment.ts';
import { describeTrial } from '../core/trial.ts';
import { describeWaiting } from '../core/waiting.ts';
import type { Status, Statuses } from './statuses.ts';

export interface ReportOptions {
  builds: BuildStore;
  deployments: DeploymentStore;
  statuses: Pick<Statuses, 'report'>;
  /** Where Ekiden's pages are. */
  url: string;
}

/** Tells GitLab of a state; resolves when it will be told for certain. */
export interface Report {
  build(id: string, state: Build['state']): Promise<void>;
  deployment(id: string, state: Deployment['state']): Promise<void>;
}

export function createReport({ builds, deployments, statuses, url }: ReportOptions): Report {
  return {
    async build(id, state) {
      const build = await builds.find(id);
      if (!build || isOld(build.state, state)) return;
      await statuses.report(statusOfBuild(build, state, url));
    },
    async deployment(id, state) {
      const deployment = await deployments.find(id);
      if (!deployment || isOld(deployment.state, state)) return;
      await statuses.report(statusOfDeployment(deployment, state, url));
    },
  };
}

/** States in the order in which they come; all others are ends. */
const steps: readonly string[] = ['held', 'queued', 'running'];

/** A leg that is repeated, or that somebody was quick to take up, is further than what is told of it. */
export function isOld(now: string, told: string): boolean {
  const at = steps.indexOf(now);
  return steps.includes(told) && (at < 0 || at > steps.indexOf(told));
}

const buildTexts: Record<Build['state'], { state: StatusState; text: string }> = {
  queued: { state: 'pending', text: 'waits for a builder' },
  running: { state: 'running', text: 'building' },
  succeeded: { state: 'success', text: 'image is in the registry' },
  failed: { state: 'failed', text: 'failed' },
  skipped: { state: 'skipped', text: 'skipped' },
  superseded: { state: 'canceled', text: 'superseded' },
  canceled: { state: 'canceled', text: 'canceled' },
};

const deploymentTexts: Record<Deployment['state'], { state: StatusState; text: string }> = {
  held: { state: 'pending', text: 'waits until somebody lets it go' },
  queued: { state: 'pending', text: 'waits for its turn' },
  running: { state: 'running', text: 'starting new instances' },
  succeeded: { state: 'success', text: 'live' },
  failed: { state: 'failed', text: 'failed' },
  superseded: { state: 'canceled', text: 'superseded' },
};

/** The status `ekiden/build` of a build in `state`; the reason of that state goes before the general words. */
export function statusOfBuild(build: Build, state: Build['state'], url: string): Status {
  const { state: statusState, text } = buildTexts[state];
  return {
    project: build.project,
    sha: build.sha,
    ref: build.ref,
    name: 'ekiden/build',
    state: statusState,
    description: isWaiting(build, state)
      ? describeWaiting(build)
      : (reasonOf(build, state) ?? text),
    targetUrl: `${url}/builds/${build.id}`,
  };
}

/** Where it stands in line does not belong to what it was told of before or after. */
function isWaiting(build: Build, told: Build['state']): boolean {
  return told === 'queued' && build.state === 'queued';
}

/** The status `ekiden/deploy/<environment>/<service>`. */
export function statusOfDeployment(
  deployment: Deployment,
  state: Deployment['state'],
  url: string,
): Status {
  return {
    project: deployment.project,
    sha: deployment.sha,
    ref: deployment.ref,
    name: `ekiden/deploy/${deployment.environment}/${deployment.service.name}`,
    state: deploymentTexts[state].state,
    description: wordsOfDeployment(deployment, state),
    targetUrl: `${url}/deployments/${deployment.id}`,
  };
}

/** What the status says beside the state: why it ended so or waits now, before the general words. */
export function wordsOfDeployment(deployment: Deployment, state: Deployment['state']): string {
  return reasonOf(deployment, state) ?? waitingOf(deployment, state) ?? wordsOf(deployment, state);
}

/** Why it is not further at this moment belongs to no state before or after. */
function waitingOf(deployment: Deployment, told: Deployment['state']): string | undefined {
  if (deployment.state !== told || !isOpen(deployment)) return undefined;
  return deployment.waiting || describeTrial(deployment);
}

/** What a person asked for says so, since nobody pushed. */
function wordsOf(deployment: Deployment, state: Deployment['state']): string {
  const { text } = deploymentTexts[state];
  const [address] = deployment.addresses;
  const live = state === 'succeeded' && address ? `live at ${address}` : text;
  return `${live}${askedBy(deployment)}`;
}

function askedBy({ kind, by = 'somebody', release }: Deployment): string {
  if (kind === 'push') return '';
  return kind === 'rollback'
    ? `: ${by} rolled back to release ${release}`
    : `: ${by} deployed again`;
}

/** An earlier state may be told after the end; what it ended by does not belong to it. */
function reasonOf(record: { state: string; reason?: string }, told: string): string | undefined {
  return record.state === told ? record.reason : undefined;
}
