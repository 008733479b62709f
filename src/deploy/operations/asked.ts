/** Makes of what a person asks for the deployments that it takes, all of them or none. */
import { randomBytes } from 'node:crypto';
import type { PlacedApp } from '../../clients/data-centres.ts';
import type { MarathonApp } from '../../clients/marathon.ts';
import type { BuildStore } from '../../core/build.ts';
import type { Deployment } from '../../core/deployment.ts';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import type { AppIds, ProjectStore } from '../../core/project.ts';
import type { NumberedBy, Release, ReleaseStore } from '../../core/release.ts';
import { serviceAppOf, type TrafficStore } from '../../core/traffic.ts';
import { type Leads, underWay } from '../leader.ts';
import { chooseReleases, type RunningService } from '../releases/rollback-choice.ts';
import { claimApp, deploymentsIn } from '../request.ts';
import { type AppsOptions, findApps, liveApps, nameOf } from '../services/apps.ts';
import { noService } from './scaling.ts';

export interface AskedOptions extends AppsOptions {
  builds: BuildStore;
  deployments: Leads;
  releases: ReleaseStore;
  appIds: AppIds;
  knownProjects: Pick<ProjectStore, 'find'>;
  traffic: Pick<TrafficStore, 'find'>;
  /** Makes records of releases again where those of the environment were lost. */
  ensureNumbered: (where: NumberedBy) => Promise<void>;
}

/** The services of an environment that somebody means; all where none is named. */
export interface Meant {
  project: number;
  environment: string;
  services?: string[];
  by: string;
}

/** What runs, as a new release. */
export async function again(options: AskedOptions, wanted: Meant): Promise<Deployment[]> {
  const meant = await runningApps(options, wanted);
  await options.ensureNumbered(wanted);
  const releases = await Promise.all(meant.map((app) => currentRelease(options, app)));
  return deploymentsFrom(options, releases, wanted);
}

/** The image of a build, also where nothing of it runs yet. */
export async function ofBuild(options: AskedOptions, wanted: Meant, id: string) {
  const { project, environment, services, by } = wanted;
  const build = await options.builds.find(id);
  if (build?.project !== project) {
    throw new NotFoundError(`There is no build ${id}.`, {
      code: 'E_NOT_FOUND',
      hint: 'GET /api/v1/projects/…/builds lists those that there are.',
    });
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
  const request = newId();
  const meant = all.filter(({ service }) => !services || services.includes(service.name));
  return Promise.all(
    meant.map(async (each) => ({
      ...each,
      ...{ id: newId(), request, kind: 'redeploy' as const, by },
      app: await claimApp(options.appIds, each),
    })),
  );
}

/** An earlier release of each, as it was: what its environment had at that number. */
export async function back(
  options: AskedOptions,
  wanted: Meant & { release?: number; force?: boolean },
): Promise<Deployment[]> {
  const meant = await runningApps(options, wanted);
  await options.ensureNumbered(wanted);
  const services = await Promise.all(
    meant.map(async (app) => ({
      service: nameOf(app)?.service ?? '',
      ...(await currentNumber(options, app)),
      kept: await options.releases.list(serviceAppOf(app.id)),
    })),
  );
  const releases = chooseReleases(services, wanted);
  return (await deploymentsFrom(options, releases, wanted)).map((each, index) => ({
    ...each,
    kind: 'rollback' as const,
    release: releases[index]?.number ?? 0,
  }));
}

/**
 * What a deployment that is under way brings is the current already, though older instances may serve. Unless
 * it goes back itself, what it would go back to when it failed is the one before.
 */
async function currentNumber(
  { deployments, releases }: AskedOptions,
  app: MarathonApp,
): Promise<Pick<RunningService, 'current' | 'before'>> {
  const service = serviceAppOf(app.id);
  const begun = await underWay(deployments, service);
  if (!begun?.places || !begun.release) return { current: numberOf(app) };
  const before = begun.kind === 'rollback' ? undefined : await releases.lastGood(service);
  return { current: begun.release, ...(before ? { before: before.number } : {}) };
}

/** The running apps that somebody means, all of them or none. */
async function runningApps(
  options: AskedOptions,
  { project, environment, services }: Meant,
): Promise<PlacedApp[]> {
  const found = await findApps(options, project);
  const apps = found.apps.filter((app) => nameOf(app)?.environment === environment);
  const names = apps.map((app) => nameOf(app)?.service ?? '');
  const missing = services?.find((name) => !names.includes(name));
  // What is not seen may run where nobody answers.
  if (found.away[0] && (missing !== undefined || apps.length === 0)) throw found.away[0].error;
  if (missing !== undefined) throw noService({ environment, service: missing });
  if (apps.length === 0) {
    throw new ConflictError(`Nothing runs in ${environment}.`, {
      code: 'E_NOTHING_RUNS',
      hint: 'Push, or name a build to deploy.',
    });
  }
  const meant = apps.filter((app) => !services || services.includes(nameOf(app)?.service ?? ''));
  return servingOnce(options, meant);
}

/** Of a service that is in several data centres, or is tried in a second app, the one that serves. */
export async function servingOnce(
  { traffic }: Pick<AskedOptions, 'traffic'>,
  apps: PlacedApp[],
): Promise<PlacedApp[]> {
  const names = [...new Set(apps.map((app) => nameOf(app)?.service))];
  const live = await Promise.all(
    names.map((name) =>
      liveApps(
        apps.filter((app) => nameOf(app)?.service === name),
        traffic,
      ),
    ),
  );
  return live.flatMap(([first]) => (first ? [first] : []));
}

async function currentRelease({ releases }: AskedOptions, app: MarathonApp): Promise<Release> {
  const release = await releases.find(serviceAppOf(app.id), numberOf(app));
  if (release) return release;
  throw new ConflictError(`The release of ${app.id} is no longer kept.`, {
    code: 'E_RELEASE',
    hint: 'Build again: that makes a new one.',
  });
}

function numberOf({ labels }: MarathonApp): number {
  return Number(labels['ekiden.release']);
}

/** The same images and services once more; their place among the commits they get with the lead. */
async function deploymentsFrom(
  { knownProjects }: AskedOptions,
  releases: Release[],
  { project, by }: Meant,
): Promise<Deployment[]> {
  const path = (await knownProjects.find(project))?.path;
  const request = newId();
  return releases.map((release) => {
    const { app, environment, ref, sha, build, image } = release;
    const { fragments, serviceCount, deploy, spec } = release;
    const projectPath = path ?? release.projectPath;
    return {
      ...{ id: newId(), request, kind: 'redeploy', by, app, project, projectPath, environment },
      ...{ ref, sha, build, image, fragments, serviceCount, deploy, service: spec },
      ...{ order: 0, state: 'queued', addresses: [], legs: [], createdAt: Date.now() },
    };
  });
}

function newId(): string {
  return randomBytes(12).toString('hex');
}
