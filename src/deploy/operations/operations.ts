/** What people ask for outside of a push: scale, restart, deploy again, roll back, take down. */
import type { Deployment, DeploymentStore } from '../../core/deployment.ts';
import type { EnvironmentSettingsStore } from '../../core/environment.ts';
import type { HandOn } from '../../core/event.ts';
import type { FragmentUses } from '../../core/fragment.ts';
import type { ServiceName, ServiceStatus } from '../../core/service.ts';
import { givenWayTo } from '../deployer.ts';
import { endHeld, endHeldIn } from '../held.ts';
import { type RemovalOptions, removeProject } from '../removal.ts';
import { endWaiting } from '../request.ts';
import type { Services } from '../services/services.ts';
import { type AskedOptions, again, back, type Meant, ofBuild } from './asked.ts';
import { type Deciding, decide } from './decide.ts';
import { type Killing, killInstance } from './killing.ts';
import { restart } from './restarting.ts';
import { noService, type ScalingOptions, scale } from './scaling.ts';
import { resume, suspend } from './suspension.ts';
import { refuseFrozen } from './switches.ts';

export interface OperationsOptions
  extends ScalingOptions,
    Omit<AskedOptions, 'dataCentres'>,
    Omit<RemovalOptions, 'gitlab' | 'builds' | 'dataCentres' | 'traffic'> {
  dataCentres: ScalingOptions['dataCentres'] & RemovalOptions['dataCentres'];
  traffic: ScalingOptions['traffic'] & RemovalOptions['traffic'];
  services: Services;
  deployments: DeploymentStore;
  environmentSettings: EnvironmentSettingsStore;
  fragmentUses: Pick<FragmentUses, 'forget'>;
  handOn: HandOn;
  /** Ends the builds of a project that would bring back what is taken down. */
  cancelBuilds: (project: number, by: string) => Promise<void>;
}

/** Each resolves when it is certain to happen, and rejects with an EkidenError before anything did. */
export interface Operations {
  /** Another number of instances, until the manifest itself brings a new one. */
  scale(name: ServiceName, wanted: { instances: number; by: string }): Promise<ServiceStatus>;
  /** No instance runs until it is resumed. */
  suspend(name: ServiceName, by: string): Promise<ServiceStatus>;
  /** As many instances as before it was suspended. */
  resume(name: ServiceName, by: string): Promise<ServiceStatus>;
  /** Ends one instance once balancers send it nothing more; another one takes its place, or none does. */
  kill(name: ServiceName, wanted: Killing): Promise<ServiceStatus>;
  /** Replaces all instances by new ones, without a gap. */
  restart(name: ServiceName, by: string): Promise<ServiceStatus>;
  /** What runs, or the image of `build`, as a new release with the variables as they are now. */
  deploy(wanted: Meant & Insisting & { build?: string }): Promise<Deployment[]>;
  /**
   * What the environment had at a release, by default the one before the current; with `force` also
   * one that never became healthy.
   */
  rollback(
    wanted: Meant & Insisting & { release?: number; force?: boolean },
  ): Promise<Deployment[]>;
  /** How a canary goes on that waits for a word. */
  decide(wanted: Deciding): Promise<Deployment>;
  /** Takes down what runs in the environment, or in all of them; answers the ids of the apps. */
  remove(wanted: { project: number; environment?: string; by: string }): Promise<string[]>;
}

/** `override`: also while the environment is frozen. */
interface Insisting {
  override?: boolean;
}

export function createOperations(options: OperationsOptions): Operations {
  const { services } = options;

  /** How the service is once that was done. */
  async function after(name: ServiceName, work: Promise<unknown>): Promise<ServiceStatus> {
    await work;
    const found = await services.find(name);
    if (!found) throw noService(name);
    const { list: _, ...status } = found;
    return status;
  }

  return {
    scale: (name, wanted) => after(name, scale(options, name, wanted)),
    kill: (name, wanted) => after(name, killInstance(options, name, wanted)),
    suspend: (name, by) => after(name, suspend(options, name, by)),
    resume: (name, by) => after(name, resume(options, name, by)),
    async restart(name, by) {
      const deployments = await restart(options, name, by);
      return after(name, requestAll(options, deployments));
    },
    async deploy(wanted) {
      const { build } = wanted;
      await refuseFrozen(options, wanted);
      const made =
        build === undefined ? await again(options, wanted) : await ofBuild(options, wanted, build);
      return requestAll(options, made.map(insisting(wanted)));
    },
    async rollback(wanted) {
      await refuseFrozen(options, wanted);
      return requestAll(options, (await back(options, wanted)).map(insisting(wanted)));
    },
    decide: (wanted) => decide(options, wanted),
    async remove(wanted) {
      const { project, environment, by } = wanted;
      if (environment === undefined) await options.cancelBuilds(project, by);
      const removed = await removeProject(options, wanted);
      for (const event of await endHeldIn(options.deployments, wanted)) await options.handOn(event);
      if (environment === undefined) await options.fragmentUses.forget(project);
      return removed;
    },
  };
}

function insisting({ override }: Insisting) {
  return (deployment: Deployment): Deployment =>
    override ? { ...deployment, override } : deployment;
}

/** Records each and makes its app follow it; one that never came to its turn gives way at once. */
async function requestAll(options: OperationsOptions, wanted: Deployment[]): Promise<Deployment[]> {
  const { deployments, handOn } = options;
  const made: Deployment[] = [];
  for (const each of wanted) {
    const { deployment, previous } = await deployments.takeOver(each);
    if (previous !== undefined && (await endWaiting(deployments, previous, deployment))) {
      await handOn({ type: 'deployment.superseded', deployment: previous });
    }
    const { app, order } = deployment;
    const reason = givenWayTo(deployment);
    const ended = await endHeld(deployments, { app, before: order + 1, reason });
    for (const event of ended) await handOn(event);
    await handOn({ type: 'deployment.requested', deployment: deployment.id });
    made.push(deployment);
  }
  return made;
}
