/** Routes of environments. */
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { type Environment, slugOf, TIERS, tierOf } from '../deployments.ts';
import type { Project } from '../state.ts';
import { environmentEntity } from './entities.ts';
import {
  ApiError,
  asker,
  DEVELOPER,
  forbidden,
  invalid,
  notFound,
  parameters,
  REPORTER,
  segment,
  sendPage,
} from './http.ts';

const settings = {
  external_url: z.string().nullish(),
  description: z.string().nullish(),
  tier: z.enum(TIERS).optional(),
};

const listParameters = z.object({
  name: z.string().optional(),
  search: z.string().default(''),
  states: z.enum(['available', 'stopping', 'stopped']).optional(),
});

export function environmentRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const present = (project: Project) => (environment: Environment) =>
    environmentEntity(gitlab, project, environment);
  routes.get('/projects/:id/environments', (request, response) => {
    const { project } = asker(gitlab, request, REPORTER);
    sendPage(request, response, select(project, request), present(project));
  });
  routes.post('/projects/:id/environments', (request, response) => {
    const { project } = asker(gitlab, request, DEVELOPER);
    const wanted = parameters(request, z.object({ name: z.string(), ...settings }));
    if (project.environments.some(({ name }) => name === wanted.name)) {
      throw invalid('name', 'has already been taken');
    }
    const environment = createEnvironment(gitlab, project, wanted.name);
    change(gitlab, environment, wanted);
    response.status(201).json(present(project)(environment));
  });
  routes.get('/projects/:id/environments/:environment', (request, response) => {
    const { project, environment } = find(gitlab, request, REPORTER);
    response.json(present(project)(environment));
  });
  routes.put('/projects/:id/environments/:environment', (request, response) => {
    const { project, environment } = find(gitlab, request, DEVELOPER);
    change(gitlab, environment, parameters(request, z.object(settings)));
    response.json(present(project)(environment));
  });
  routes.post('/projects/:id/environments/:environment/stop', (request, response) => {
    const { project, environment } = find(gitlab, request, DEVELOPER);
    environment.state = 'stopped';
    environment.updatedAt = gitlab.timestamp();
    response.json(present(project)(environment));
  });
  routes.delete('/projects/:id/environments/:environment', (request, response) => {
    const { project, environment } = find(gitlab, request, DEVELOPER);
    if (environment.state !== 'stopped') throw forbidden();
    project.environments = project.environments.filter((other) => other !== environment);
    project.deployments = project.deployments.filter(
      ({ environmentId }) => environmentId !== environment.id,
    );
    response.status(204).end();
  });
  return routes;
}

function find(gitlab: GitLab, request: Request, least: number) {
  const found = asker(gitlab, request, least);
  const wanted = segment(request, 'environment');
  const environment = found.project.environments.find(({ id }) => String(id) === wanted);
  if (environment === undefined) throw notFound();
  return { ...found, environment };
}

function select(project: Project, request: Request): Environment[] {
  const { name, search, states } = parameters(request, listParameters);
  if (search !== '' && search.length < 3) {
    throw new ApiError(400, {
      message: '400 Bad request - Search query is less than 3 characters',
    });
  }
  return project.environments.filter(
    (environment) =>
      (name === undefined || environment.name === name) &&
      environment.name.includes(search) &&
      (states === undefined || environment.state === states),
  );
}

/** Makes an environment with the slug and the tier that GitLab would give it. */
export function createEnvironment(gitlab: GitLab, project: Project, name: string): Environment {
  if (name.length > 255 || !/^[\w./ {}$-]+$/.test(name)) {
    throw invalid(
      'name',
      "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces",
    );
  }
  const now = gitlab.timestamp();
  const environment: Environment = {
    id: gitlab.state.nextId('environment'),
    name,
    slug: slugOf(name),
    externalUrl: null,
    description: null,
    tier: tierOf(name),
    state: 'available',
    createdAt: now,
    updatedAt: now,
  };
  project.environments.push(environment);
  return environment;
}

interface Settings {
  external_url?: string | null | undefined;
  description?: string | null | undefined;
  tier?: Environment['tier'] | undefined;
}

function change(gitlab: GitLab, environment: Environment, wanted: Settings): void {
  if (wanted.external_url !== undefined) environment.externalUrl = wanted.external_url;
  if (wanted.description !== undefined) environment.description = wanted.description;
  environment.tier = wanted.tier ?? environment.tier;
  environment.updatedAt = gitlab.timestamp();
}
