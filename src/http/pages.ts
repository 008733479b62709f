/** The pages that commit statuses link to; the same as JSON for programs. */
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import { Liquid } from 'liquidjs';
import type { Build } from '../core/build.ts';
import type { Deployment } from '../core/deployment.ts';
import { NotFoundError } from '../core/errors.ts';
import { durations, renderWaterfall } from '../core/timeline.ts';
import type { Ekiden } from '../ekiden.ts';

type PagesEkiden = Pick<Ekiden, 'builds' | 'deployments' | 'buildLogs' | 'templates'>;

/** Bytes of a build log that a page shows, from its end. */
const shownLog = 200_000;

export function createPages(ekiden: PagesEkiden): Router {
  const liquid = new Liquid({
    root: join(ekiden.templates, 'ui'),
    extname: '.liquid',
    outputEscape: 'escape',
    strictVariables: true,
    cache: true,
  });
  const router = Router();

  /** For programs, and for those who do not say what they are, as JSON. */
  async function show(name: string, view: object, request: Request, response: Response) {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html') response.json(view);
    else response.type('html').send(await liquid.renderFile(name, view));
  }

  router.get('/', async (_, response) => {
    response.type('html').send(await liquid.renderFile('home'));
  });
  router.get('/builds/:id', async (request, response) => {
    const build = await ekiden.builds.find(request.params.id);
    if (!build) throw missing('build');
    const view = await viewOfBuild(ekiden, build);
    await show('build', view, request, response);
  });
  router.get('/builds/:id/log', async (request, response) => {
    const log = await ekiden.buildLogs.stream(request.params.id);
    if (!log) throw missing('build log');
    response.type('text').set('X-Content-Type-Options', 'nosniff');
    // Whoever closes the page early is no failure; the file is closed all the same.
    await pipeline(log, response).catch(() => undefined);
  });
  router.get('/deployments/:id', async (request, response) => {
    const deployment = await ekiden.deployments.find(request.params.id);
    if (!deployment) throw missing('deployment');
    const view = viewOfDeployment(deployment);
    await show('deployment', view, request, response);
  });
  return router;
}

async function viewOfBuild(ekiden: PagesEkiden, build: Build) {
  const { id, project, projectPath, ref, sha, state, reason, image, plan, legs } = build;
  const deployments = await Promise.all(
    build.deployments.map((each) => ekiden.deployments.find(each)),
  );
  const log = await ekiden.buildLogs.tail(id, shownLog);
  return {
    ...{ id, project, ref, sha, state, legs },
    projectPath: projectPath ?? null,
    reason: reason ?? null,
    image: image ?? null,
    fragments: plan?.fragments ?? [],
    milliseconds: durations(legs),
    waterfall: renderWaterfall(legs),
    deployments: deployments.filter((each) => each !== undefined).map(viewOfDeployment),
    log: log ?? '',
  };
}

function viewOfDeployment(deployment: Deployment) {
  const { id, build, app, environment, service, sha, state, reason, release, legs } = deployment;
  return {
    ...{ id, build, app, environment, sha, state, legs },
    service: service.name,
    release: release ?? null,
    reason: reason ?? null,
    addresses: deployment.addresses,
    milliseconds: durations(legs),
    waterfall: renderWaterfall(legs),
  };
}

function missing(what: string): NotFoundError {
  return new NotFoundError(`There is no such ${what}.`, { code: 'E_NOT_FOUND' });
}
