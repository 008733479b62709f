/** What people ask for outside of a push: scale, restart, deploy again, roll back, take down. */
import { randomBytes } from 'node:crypto';
import type { MarathonApp } from '../clients/marathon.ts';
import type { BuildStore } from '../core/build.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { HandOn } from '../core/event.ts';
import type { AppIds, ProjectStore } from '../core/project.ts';
import type { Release } from '../core/release.ts';
import type { ServiceName, ServiceStatus } from '../core/service.ts';
import { appsOfProject, nameOf } from './apps.ts';
import { type RemovalOptions, removeProject } from './removal.ts';
import { claimApp, deploymentsIn, endWaiting } from './request.ts';
import { noService, restart, type ScalingOptions, scale } from './scaling.ts';
import type { Services } from './services.ts';

export interface OperationsOptions
  extends ScalingOptions,
    Omit<RemovalOptions, 'gitlab' | 'builds'> {
  services: Services;
  builds: BuildStore;
  deployments: DeploymentStore;
  appIds: AppIds;
  knownProjects: Pick<ProjectStore, 'find'>;
  handOn: HandOn;
  /** Ends the builds of a project that would bring back what is taken down. */
  cancelBuilds: (project: number, by: string) => Promise<void>;
}

/** The services of an environment that somebody means; all where none is named. */
export interface Meant {
  project: number;
  environment: string;
  services?: string[];
  by: string;
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
      const meant = await runningApps(options, wanted);
      const releases = await Promise.all(
        meant.map((app) => earlierRelease(options, app, wanted.release)),
      );
      return requestAll(
        options,
        (await deploymentsFrom(options, releases, wanted)).map((each, index) => ({
          ...each,
          kind: 'rollback' as const,
          release: releases[index]?.number ?? 0,
        })),
      );
    },
    async remove(wanted) {
      const { project, environment, by } = wanted;
      if (environment === undefined) await options.cancelBuilds(project, by);
      return removeProject(options, wanted);
    },
  };
}

/** What runs, as a new release. */
async function again(options: OperationsOptions, wanted: Meant): Promise<Deployment[]> {
  const meant = await runningApps(options, wanted);
  const releases = await Promise.all(meant.map((app) => currentRelease(options, app)));
  return deploymentsFrom(options, releases, wanted);
}

/** The image of a build, also where nothing of it runs yet. */
async function ofBuild(options: OperationsOptions, wanted: Meant, id: string) {
  const { project, environment, services, by } = wanted;
  const build = await options.builds.find(id);
  if (build?.project !== project) {
    throw new NotFoundError(`There is no build ${id}.`, { code: 'E_NOT_FOUND' });
  }
  const all = deploymentsIn(environment, build, Date.now());
  if (all.length === 0) {
    throw new ConflictError(`Build ${id} has no image: it is ${build.state}.`, {
      code: 'E_NO_IMAGE',
      hint: 'Name a build that succeeded, or leave it out to deploy again what runs.',
    });
  }
  const known = new Set(all.map(({ service }) => service.name));
  const missing = services?.find((name) => !known.has(name));
  if (missing !== undefined) throw noService({ environment, service: missing });
  const meant = all.filter(({ service }) => !services || services.includes(service.name));
  return Promise.all(
    meant.map(async (each) => ({
      ...each,
      ...{ id: newId(), kind: 'redeploy' as const, by },
      app: await claimApp(options.appIds, each),
    })),
  );
}

/** The running apps that somebody means, all of them or none. */
async function runningApps(
  options: OperationsOptions,
  { project, environment, services }: Meant,
): Promise<MarathonApp[]> {
  const apps = (await appsOfProject(options, project)).filter(
    (app) => nameOf(app)?.environment === environment,
  );
  const names = apps.map((app) => nameOf(app)?.service ?? '');
  const missing = services?.find((name) => !names.includes(name));
  if (missing !== undefined) throw noService({ environment, service: missing });
  if (apps.length === 0) {
    throw new ConflictError(`Nothing runs in ${environment}.`, {
      code: 'E_NOTHING_RUNS',
      hint: 'Push, or name a build to deploy.',
    });
  }
  return apps.filter((app) => !services || services.includes(nameOf(app)?.service ?? ''));
}

async function currentRelease({ releases }: OperationsOptions, app: MarathonApp): Promise<Release> {
  const release = await releases.find(app.id, numberOf(app));
  if (release) return release;
  throw new ConflictError(`The release of ${app.id} is no longer kept.`, {
    code: 'E_RELEASE',
    hint: 'Build again: that makes a new one.',
  });
}

/** @throws ConflictError that says which releases there are. */
async function earlierRelease(
  { releases }: OperationsOptions,
  app: MarathonApp,
  wanted: number | undefined,
): Promise<Release> {
  const service = nameOf(app)?.service;
  const current = numberOf(app);
  const good = (await releases.good(app.id)).filter((number) => number !== current);
  const number = wanted ?? good.find((each) => each < current);
  const release =
    number !== undefined && good.includes(number) ? await releases.find(app.id, number) : undefined;
  if (release) return release;
  const what = wanted === undefined ? 'no earlier release' : `no release ${wanted}`;
  throw new ConflictError(`${service} has ${what} that was healthy to go back to.`, {
    code: 'E_RELEASE',
    hint:
      good.length > 0
        ? `Healthy were ${good.join(', ')}; ${current} runs.`
        : `Only release ${current} was there so far.`,
  });
}

function numberOf({ labels }: MarathonApp): number {
  return Number(labels['ekiden.release']);
}

/** The same images and services once more; their place among the commits they get with the lead. */
async function deploymentsFrom(
  { knownProjects }: OperationsOptions,
  releases: Release[],
  { project, by }: Meant,
): Promise<Deployment[]> {
  const path = (await knownProjects.find(project))?.path;
  return releases.map((release) => {
    const { app, environment, ref, sha, build, image } = release;
    const { fragments, serviceCount, deadline, spec } = release;
    const projectPath = path ?? release.projectPath;
    return {
      ...{ id: newId(), kind: 'redeploy', by, app, project, projectPath, environment },
      ...{ ref, sha, build, image, fragments, serviceCount, deadline, service: spec },
      ...{ order: 0, state: 'queued', addresses: [], legs: [], createdAt: Date.now() },
    };
  });
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

function newId(): string {
  return randomBytes(12).toString('hex');
}
