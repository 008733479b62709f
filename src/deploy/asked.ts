/** Makes of what a person asks for the deployments that it takes, all of them or none. */
import { randomBytes } from 'node:crypto';
import type { MarathonApp } from '../clients/marathon.ts';
import type { BuildStore } from '../core/build.ts';
import type { Deployment } from '../core/deployment.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { AppIds, ProjectStore } from '../core/project.ts';
import type { Release, ReleaseStore } from '../core/release.ts';
import { type AppsOptions, appsOfProject, nameOf } from './apps.ts';
import { claimApp, deploymentsIn } from './request.ts';
import { noService } from './scaling.ts';

export interface AskedOptions extends AppsOptions {
  builds: BuildStore;
  releases: ReleaseStore;
  appIds: AppIds;
  knownProjects: Pick<ProjectStore, 'find'>;
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
  const meant = all.filter(({ service }) => !services || services.includes(service.name));
  return Promise.all(
    meant.map(async (each) => ({
      ...each,
      ...{ id: newId(), kind: 'redeploy' as const, by },
      app: await claimApp(options.appIds, each),
    })),
  );
}

/** An earlier release that was healthy of each, as it was. */
export async function back(
  options: AskedOptions,
  wanted: Meant & { release?: number },
): Promise<Deployment[]> {
  const meant = await runningApps(options, wanted);
  const releases = await Promise.all(
    meant.map((app) => earlierRelease(options, app, wanted.release)),
  );
  return (await deploymentsFrom(options, releases, wanted)).map((each, index) => ({
    ...each,
    kind: 'rollback' as const,
    release: releases[index]?.number ?? 0,
  }));
}

/** The running apps that somebody means, all of them or none. */
async function runningApps(
  options: AskedOptions,
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

async function currentRelease({ releases }: AskedOptions, app: MarathonApp): Promise<Release> {
  const release = await releases.find(app.id, numberOf(app));
  if (release) return release;
  throw new ConflictError(`The release of ${app.id} is no longer kept.`, {
    code: 'E_RELEASE',
    hint: 'Build again: that makes a new one.',
  });
}

/** @throws ConflictError that says which releases there are. */
async function earlierRelease(
  { releases }: AskedOptions,
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
  { knownProjects }: AskedOptions,
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

function newId(): string {
  return randomBytes(12).toString('hex');
}
