/** Endpoints about a project as a whole. */
import { z } from 'zod';
import { type Caller, levels, noSuchProject } from '../../core/access.ts';
import type { Page, Paging } from '../../core/page.ts';
import type { KnownProject } from '../../core/project.ts';
import type { ServiceStatus } from '../../core/service.ts';
import type { Ekiden } from '../../ekiden.ts';
import { endpoint } from './endpoint.ts';
import { environmentSettings, viewOfSettings } from './environments.ts';
import { environmentParams, projectParams } from './names.ts';
import * as schemas from './schemas.ts';
import { viewOfBuild, viewOfDeployment, viewOfService } from './views.ts';

/** How many of the last builds and deployments come with a project. */
const shown = 10;

const environment = z
  .object({ name: z.string(), settings: environmentSettings, services: z.array(schemas.service) })
  .meta({ id: 'Environment' });

const project = z
  .object({
    id: z.number(),
    path: z.string(),
    environments: z.array(environment),
    builds: z.array(schemas.build),
    deployments: z.array(schemas.deployment),
    links: z.object({ self: z.url(), page: z.url(), gitlab: z.url() }),
  })
  .meta({ id: 'Project' });

const listed = z
  .object({ id: z.number(), path: z.string(), url: z.url(), page: z.url() })
  .meta({ id: 'ListedProject' });

export const listProjects = endpoint({
  method: 'get',
  path: '/projects',
  id: 'listProjects',
  tag: 'Projects',
  summary: 'The projects that one may see, of those that Ekiden has worked for, latest first',
  needs: 'signed-in',
  query: schemas.paging,
  answer: { description: 'One page.', schema: schemas.pageOf(listed, 'Project') },
  async handle({ ekiden, caller, query: { limit, cursor } }) {
    const { url } = ekiden.config;
    const page = await visibleProjects(ekiden, caller, { limit, ...(cursor ? { cursor } : {}) });
    const items = page.items.map(({ id, path }) => ({
      ...{ id, path },
      url: `${url}/api/v1/projects/${id}`,
      page: `${url}/projects/${path}`,
    }));
    return { items, ...(page.next ? { next: page.next } : {}) };
  },
});

/** How many projects are looked at for one page, so that one request does not ask GitLab for ever. */
const mostLookedAt = 500;

/** A page of what the caller may see; it may be short of `limit`, and even empty, although more follow. */
export async function visibleProjects(
  { knownProjects, access }: Pick<Ekiden, 'knownProjects' | 'access'>,
  caller: Caller,
  { limit, cursor }: Paging,
): Promise<Page<KnownProject>> {
  const items: KnownProject[] = [];
  let next = cursor;
  let lookedAt = 0;
  do {
    const missing = limit - items.length;
    const page = await knownProjects.list({ limit: missing, ...(next ? { cursor: next } : {}) });
    const seen = await Promise.all(page.items.map(({ id }) => access.level(caller, id)));
    items.push(...page.items.filter((_, index) => (seen[index] ?? 0) >= levels.reporter));
    lookedAt += missing;
    next = page.next;
    // A page that is half full is worth more than the last of it, one by one.
  } while (next !== undefined && items.length * 2 < limit && lookedAt < mostLookedAt);
  return { items, ...(next === undefined ? {} : { next }) };
}

export const readProject = endpoint({
  method: 'get',
  path: '/projects/{project}',
  id: 'readProject',
  tag: 'Projects',
  summary: 'A project: its environments with what runs there, last builds and deployments',
  needs: 'look',
  params: projectParams,
  answer: { description: 'The project as it is now.', schema: project },
  async handle({ ekiden, project: id }) {
    const { url } = ekiden.config;
    const [found, services, settings, builds, deployments] = await Promise.all([
      ekiden.projects.find(String(id)),
      ekiden.services.ofProject(id),
      ekiden.switches.list(id),
      ekiden.builds.list(id, { limit: shown }),
      ekiden.deployments.list(id, { limit: shown }),
    ]);
    if (!found) throw noSuchProject();
    return {
      id,
      path: found.path,
      environments: byEnvironment(services).map(([name, list]) => ({
        name,
        settings: viewOfSettings(settings.get(name) ?? { autoDeploy: true }),
        services: list.map(viewOfService),
      })),
      builds: builds.items.map((build) => viewOfBuild(build, url)),
      deployments: deployments.items.map((deployment) => viewOfDeployment(deployment, url)),
      links: {
        self: `${url}/api/v1/projects/${id}`,
        page: `${url}/projects/${found.path}`,
        gitlab: found.webUrl,
      },
    };
  },
});

/** Services by the name of their environment: production comes first, the others follow by name. */
export function byEnvironment<T extends ServiceStatus>(services: T[]): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const service of services) {
    groups.set(service.environment, [...(groups.get(service.environment) ?? []), service]);
  }
  const rank = (name: string) => (name === 'production' ? '' : name);
  return [...groups].sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
}

const removed = z.object({ apps: z.array(z.string()) }).meta({ id: 'Removed' });

export const removeProject = endpoint({
  method: 'delete',
  path: '/projects/{project}',
  id: 'removeProject',
  tag: 'Projects',
  summary: 'Takes down all that runs for a project',
  needs: 'configure',
  params: projectParams,
  answer: { description: "Marathon's ids of the apps that were taken down.", schema: removed },
  others: { 409: 'Somebody else works on one of the apps.' },
  handle: async ({ ekiden, project, caller }) => ({
    apps: await ekiden.operations.remove({ project, by: caller.username }),
  }),
});

export const removeEnvironment = endpoint({
  method: 'delete',
  path: '/projects/{project}/environments/{environment}',
  id: 'removeEnvironment',
  tag: 'Projects',
  summary: 'Takes down all that runs in an environment',
  needs: 'configure',
  params: environmentParams,
  answer: { description: "Marathon's ids of the apps that were taken down.", schema: removed },
  others: { 409: 'Somebody else works on one of the apps.' },
  handle: async ({ ekiden, project, params, caller }) => ({
    apps: await ekiden.operations.remove({
      ...{ project, environment: params.environment, by: caller.username },
    }),
  }),
});
