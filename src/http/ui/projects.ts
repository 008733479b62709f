/** The pages of all projects, and of one: its environments, what runs there, and what one can do. */
import { Router } from 'express';
import { z } from 'zod';
import type { Caller } from '../../core/access.ts';
import type { EnvironmentSettings } from '../../core/environment.ts';
import { messageOf } from '../../core/errors.ts';
import type { KnownProject } from '../../core/project.ts';
import type { ServiceDetail } from '../../core/service.ts';
import type { Ekiden } from '../../ekiden.ts';
import { byEnvironment, visibleProjects } from '../api/projects.ts';
import { basePathOf } from '../base-path.ts';
import { failedRows } from './evidence.ts';
import { showJob } from './jobs.ts';
import type { Pages } from './page.ts';
import {
  apiOfService,
  type OpenProject,
  openProject,
  pathOfReleases,
  pathOfService,
  plainPath,
} from './project.ts';
import { abilitiesOf, showBuild, showDeployment, showService, showTime } from './views.ts';

/** Projects on a page, and records of each kind on the page of one. */
const listed = 20;
const shown = 10;

const homeQuery = z.object({ cursor: z.string().max(200).optional() });
const goQuery = z.object({ path: z.string().trim().max(1_000).transform(plainPath).default('') });

export function createProjectPages({ ekiden, templates, enter }: Pages): Router {
  const base = basePathOf(ekiden.config.url);
  const router = Router();
  router.get('/', async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const { cursor } = homeQuery.catch({}).parse(request.query);
    const page = await visibleProjects(ekiden, caller, {
      limit: listed,
      ...(cursor ? { cursor } : {}),
    });
    const projects = await Promise.all(page.items.map((each) => summaryOf(ekiden, each)));
    const view = { caller, projects, next: page.next ?? '', isFirst: cursor === undefined };
    response
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(await templates.render('home', view));
  });
  router.get('/projects', (request, response) => {
    const { path } = goQuery.catch({ path: '' }).parse(request.query);
    response.redirect(303, `${base}${path ? `/projects/${encodeURI(path)}` : '/'}`);
  });
  router.get('/projects/*path', async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const opened = await openProject(ekiden, caller, request);
    const { path } = opened.project;
    // It was renamed since somebody kept the link.
    if (request.path !== `/projects/${path}`)
      return response.redirect(303, `${base}/projects/${path}`);
    const view = await viewOfProject(ekiden, caller, opened);
    response
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(await templates.render('project', view));
  });
  return router;
}

/** A project in the list: how its services are, and its last build. */
async function summaryOf(ekiden: Ekiden, { id, path }: KnownProject) {
  const [services, builds] = await Promise.all([
    // Who looks for a project should find it also while Marathon is away.
    ekiden.services.ofProject(id).catch(() => undefined),
    ekiden.builds.list(id, { limit: 1 }),
  ]);
  const [last] = builds.items;
  return {
    path,
    services: services?.map(({ environment, service, health }) => ({
      environment,
      service,
      health,
    })),
    build: last ? showBuild(last) : null,
  };
}

async function viewOfProject(ekiden: Ekiden, caller: Caller, { project, level }: OpenProject) {
  const { id, path, webUrl, defaultBranch } = project;
  const [services, settings, builds, deployments, jobs] = await Promise.all([
    detailsOf(ekiden, id).catch((error: unknown) => ({ problem: messageOf(error) })),
    ekiden.switches.list(id),
    ekiden.builds.list(id, { limit: shown }),
    ekiden.deployments.list(id, { limit: shown }),
    ekiden.jobs.list(id, { limit: shown }),
  ]);
  const isKnown = Array.isArray(services);
  return {
    ...{ caller, path, gitlab: webUrl, defaultBranch: defaultBranch ?? '' },
    api: `/api/v1/projects/${id}`,
    may: abilitiesOf(caller, level),
    problem: isKnown ? '' : services.problem,
    environments: isKnown
      ? environmentsOf(await withFailed(ekiden, services, path), {
          ...{ project, level, caller, settings },
        })
      : [],
    builds: builds.items.map(showBuild),
    deployments: deployments.items.map(showDeployment),
    jobs: jobs.items.map(showJob),
  };
}

async function detailsOf({ services }: Pick<Ekiden, 'services'>, project: number) {
  const found = await services.ofProject(project);
  const details = await Promise.all(
    found.map(({ environment, service }) => services.find({ project, environment, service })),
  );
  return details.filter((each) => each !== undefined);
}

type Shown = ServiceDetail & { failed: Awaited<ReturnType<typeof failedRows>> };

/** With the failed instances of the release that each has now. */
async function withFailed(
  ekiden: Ekiden,
  services: ServiceDetail[],
  path: string,
): Promise<Shown[]> {
  return Promise.all(
    services.map(async (detail) => {
      const { app, release } = detail;
      const failed = await failedRows(ekiden, { app, release: release?.number }, path);
      return { ...detail, failed };
    }),
  );
}

interface Settings {
  settings: ReadonlyMap<string, EnvironmentSettings>;
}

function showSettings({ autoDeploy, freeze }: EnvironmentSettings = { autoDeploy: true }) {
  if (!freeze) return { autoDeploy, freeze: null };
  const until = freeze.until === undefined ? null : showTime(freeze.until);
  return { autoDeploy, freeze: { by: freeze.by, reason: freeze.reason, until } };
}

function apiOfEnvironment(project: number, name: string): string {
  return `/api/v1/projects/${project}/environments/${encodeURIComponent(name)}`;
}

function environmentsOf(
  services: Shown[],
  { project, level, caller, settings }: OpenProject & Settings & { caller: Caller },
) {
  return byEnvironment(services).map(([name, details]) => ({
    name,
    may: abilitiesOf(caller, level, name),
    ...showSettings(settings.get(name)),
    releases: pathOfReleases(project.path, name),
    api: apiOfEnvironment(project.id, name),
    rollback: `${apiOfEnvironment(project.id, name)}/rollback`,
    services: details.map((detail) => ({
      ...showService(detail, {
        path: pathOfService(project.path, name, detail.service),
        api: apiOfService(project.id, name, detail.service),
      }),
      failed: detail.failed,
    })),
  }));
}
