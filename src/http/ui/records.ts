/** The pages of a build and of a deployment, which commit statuses link to; the same as JSON for programs. */
import { type Request, type Response, Router } from 'express';
import type { Caller } from '../../core/access.ts';
import { type Build, isActive } from '../../core/build.ts';
import { type Deployment, isOpen, reasonNow } from '../../core/deployment.ts';
import { NotFoundError } from '../../core/errors.ts';
import { durations, renderWaterfall } from '../../core/timeline.ts';
import { isUndecided } from '../../core/trial.ts';
import type { Ekiden } from '../../ekiden.ts';
import { missing } from '../api/names.ts';
import { prefersHtml } from './entry.ts';
import { failedRows } from './evidence.ts';
import type { Pages } from './page.ts';
import { showPlaces, showStrategy } from './places.ts';
import { pathOfReleases } from './project.ts';
import {
  abilitiesOf,
  legsSoFar,
  showAddress,
  showBuild,
  showDeployment,
  showLegs,
  showRef,
  showSteps,
  showTime,
} from './views.ts';

/** Bytes of a build log that programs are given, from its end. */
const shownLog = 200_000;

export function createRecordPages({ ekiden, templates, enter }: Pages): Router {
  const router = Router();
  router.get('/builds/:id', async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const build = await ekiden.builds.find(request.params.id);
    const level = await levelAt(ekiden, caller, build?.project, 'build');
    if (!build) throw missing('build');
    await show(request, response, {
      json: () => dataOfBuild(ekiden, build),
      html: async () =>
        templates.render('build', {
          caller,
          ...(await pageOfBuild(ekiden, build, { caller, level })),
        }),
    });
  });
  router.get('/deployments/:id', async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const deployment = await ekiden.deployments.find(request.params.id);
    const level = await levelAt(ekiden, caller, deployment?.project, 'deployment');
    if (!deployment) throw missing('deployment');
    await show(request, response, {
      json: async () => dataOfDeployment(deployment),
      html: async () =>
        templates.render('deployment', {
          caller,
          ...(await pageOfDeployment(ekiden, deployment, { caller, level })),
        }),
    });
  });
  return router;
}

/** For programs, and for those who do not say what they are, as JSON. */
export async function show(
  request: Request,
  response: Response,
  as: { json: () => Promise<object>; html: () => Promise<string> },
): Promise<void> {
  response.vary('Accept').set('Cache-Control', 'no-store');
  if (prefersHtml(request)) response.type('html').send(await as.html());
  else response.json(await as.json());
}

/** The caller's level where the record belongs. @throws NotFoundError as if there were no record */
export async function levelAt(
  { access }: Pick<Ekiden, 'access'>,
  caller: Caller,
  project: number | undefined,
  what: string,
): Promise<number> {
  if (project === undefined) throw missing(what);
  await access.authorize(caller, project, { ability: 'look' }).catch((error: unknown) => {
    throw error instanceof NotFoundError ? missing(what) : error;
  });
  return access.level(caller, project);
}

async function deploymentsOf({ deployments }: Pick<Ekiden, 'deployments'>, build: Build) {
  const found = await Promise.all(build.deployments.map((id) => deployments.find(id)));
  return found.filter((each) => each !== undefined);
}

async function dataOfBuild(ekiden: Ekiden, build: Build) {
  const { id, project, projectPath, ref, sha, state, reason, image, plan, legs } = build;
  const log = await ekiden.buildLogReader.tail(id, shownLog);
  return {
    ...{ id, project, ref, sha, state, legs },
    projectPath: projectPath ?? null,
    reason: reason ?? null,
    image: image ?? null,
    fragments: plan?.fragments ?? [],
    milliseconds: durations(legs),
    waterfall: renderWaterfall(legs),
    deployments: (await deploymentsOf(ekiden, build)).map(dataOfDeployment),
    log,
  };
}

function dataOfDeployment(deployment: Deployment) {
  const { id, build, app, environment, service, sha, state, release, legs } = deployment;
  return {
    ...{ id, build, app, environment, sha, state, legs },
    service: service.name,
    release: release ?? null,
    reason: reasonNow(deployment) ?? null,
    addresses: deployment.addresses,
    milliseconds: durations(legs),
    waterfall: renderWaterfall(legs),
  };
}

interface Viewer {
  caller: Caller;
  level: number;
}

async function pageOfBuild(ekiden: Ekiden, build: Build, { caller, level }: Viewer) {
  const { id, project, projectPath, image, plan } = build;
  const deployments = await deploymentsOf(ekiden, build);
  const found = projectPath ?? (await ekiden.projects.find(String(project)))?.path;
  return {
    ...showBuild(build),
    project,
    projectPath: found ?? '',
    image: image ?? '',
    fullSha: build.sha,
    fragments: plan?.fragments ?? [],
    warnings: plan?.warnings ?? [],
    legs: showLegs(legsSoFar(build)),
    steps: showSteps(build.steps),
    deployments: deployments.map(showDeployment),
    isActive: isActive(build) || deployments.some(isOpen),
    retryOf: build.retryOf ?? '',
    mayCancel: isActive(build) && abilitiesOf(caller, level).build,
    mayRetry: !isActive(build) && abilitiesOf(caller, level).build,
    log: `/api/v1/projects/${project}/builds/${id}/log`,
  };
}

async function pageOfDeployment(ekiden: Ekiden, deployment: Deployment, { caller, level }: Viewer) {
  const { id, app, addresses, legs, project, projectPath, image, ref } = deployment;
  const { variables = [], warnings = [], decision, environment } = deployment;
  return {
    ...showDeployment(deployment),
    ...{ app, project, projectPath, image, variables, warnings },
    ref: showRef(ref),
    addresses: addresses.map(showAddress),
    legs: showLegs(legs, { isOver: !isOpen(deployment) }),
    ...{ strategy: showStrategy(deployment), places: showPlaces(deployment) },
    releasePath: `${pathOfReleases(projectPath, environment)}/${deployment.release ?? ''}`,
    decision: decision ?? null,
    mayDecide: isUndecided(deployment) && abilitiesOf(caller, level, environment).deploy,
    decide: `/api/v1/projects/${project}/deployments/${id}/decision`,
    failed: await failedRows(ekiden, deployment, projectPath),
    jobs: Object.entries(deployment.jobs ?? {}).map(([when, job]) => ({ when, id: job })),
    isActive: isOpen(deployment),
    created: showTime(deployment.createdAt),
  };
}
