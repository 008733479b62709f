/** What people ask for outside of a push: scale, restart, deploy again, roll back, take down. */
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import type { HandOn } from '../core/event.ts';
import type { FragmentUses } from '../core/fragment.ts';
import type { ServiceName, ServiceStatus } from '../core/service.ts';
import { type AskedOptions, again, back, type Meant, ofBuild } from './asked.ts';
import { type RemovalOptions, removeProject } from './removal.ts';
import { endWaiting } from './request.ts';
import { noService, restart, type ScalingOptions, scale } from './scaling.ts';
import type { Services } from './services.ts';

export interface OperationsOptions
  extends ScalingOptions,
    Omit<AskedOptions, 'marathon'>,
    Omit<RemovalOptions, 'gitlab' | 'builds'> {
  services: Services;
  deployments: DeploymentStore;
  fragmentUses: Pick<FragmentUses, 'forget'>;
  handOn: HandOn;
  /** Ends the builds of a project that would bring back what is taken down. */
  cancelBuilds: (project: number, by: string) => Promise<void>;
}

/** Each resolves when it is certain to happen, and rejects with an EkidenError before anything did. */
export interface Operations {
  /** Another number of instances, until the manifest itself brings a new one. */
  scale(name: ServiceName, wanted: { instances: number; by: string }): Promise<ServiceStatus>;
  /** Replaces all instances by new ones, without a gap. */
  restart(name: ServiceName, by: string): Promise<ServiceStatus>;
  /** What runs, or the image of `build`, as a new release with the variables as they are now. */
  deploy(wanted: Meant & { build?: string }): Promise<Deployment[]>;
  /** An earlier release that was healthy, by default the one before the current. */
  rollback(wanted: Meant & { release?: number }): Promise<Deployment[]>;
  /** Takes down what runs in the environment, or in all of them; answers the ids of the apps. */
  remove(wanted: { project: number; environment?: string; by: string }): Promise<string[]>;
}

export function createOperations(options: OperationsOptions): Operations {
  const { services } = options;

  async function statusOf(name: ServiceName): Promise<ServiceStatus> {
    const found = await services.find(name);
    if (!found) throw noService(name);
    const { list: _, ...status } = found;
    return status;
  }

  return {
    async scale(name, wanted) {
      await scale(options, name, wanted);
      return statusOf(name);
    },
    async restart(name, by) {
      await restart(options, name, by);
      return statusOf(name);
    },
    async deploy(wanted) {
      const { build } = wanted;
      return requestAll(
        options,
        build === undefined ? await again(options, wanted) : await ofBuild(options, wanted, build),
      );
    },
    async rollback(wanted) {
      return requestAll(options, await back(options, wanted));
    },
    async remove(wanted) {
      const { project, environment, by } = wanted;
      if (environment === undefined) await options.cancelBuilds(project, by);
      const removed = await removeProject(options, wanted);
      if (environment === undefined) await options.fragmentUses.forget(project);
      return removed;
    },
  };
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
    await handOn({ type: 'deployment.requested', deployment: deployment.id });
    made.push(deployment);
  }
  return made;
}
