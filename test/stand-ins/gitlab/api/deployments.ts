/** Routes of deployments, and the events that follow a change of their status. */
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { DEPLOYMENT_STATES, type Deployment, mayBecome } from '../deployments.ts';
import { fire } from '../fire.ts';
import { deploymentBody } from '../hook-body.ts';
import { readCommit, resolveCommit } from '../repository.ts';
import { deploymentEntity } from './entities.ts';
import { createEnvironment } from './environments.ts';
import {
  ApiError,
  type Asker,
  asker,
  DEVELOPER,
  flag,
  invalid,
  notFound,
  parameters,
  REPORTER,
  segment,
  sendPage,
} from './http.ts';

const newDeployment = z.object({
  environment: z.string(),
  sha: z.string(),
  ref: z.string(),
  tag: flag,
  status: z.enum(DEPLOYMENT_STATES),
});

const listParameters = z.object({
  order_by: z.enum(['id', 'iid', 'created_at', 'updated_at', 'ref']).default('id'),
  sort: z.enum(['asc', 'desc']).default('asc'),
  environment: z.string().optional(),
  status: z.enum(['created', 'blocked', ...DEPLOYMENT_STATES]).optional(),
});

export function deploymentRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects/:id/deployments', (request, response) => {
    const found = asker(gitlab, request, REPORTER);
    sendPage(request, response, select(found, request), (one) =>
      deploymentEntity(gitlab, found.project, one),
    );
  });
  routes.post('/projects/:id/deployments', async (request, response) => {
    const found = asker(gitlab, request, DEVELOPER);
    const deployment = await create(gitlab, found, parameters(request, newDeployment));
    await announce(gitlab, found, deployment);
    response.status(201).json(deploymentEntity(gitlab, found.project, deployment));
  });
  routes.get('/projects/:id/deployments/:deployment', (request, response) => {
    const { project, deployment } = find(gitlab, request, REPORTER);
    response.json(deploymentEntity(gitlab, project, deployment));
  });
  routes.put('/projects/:id/deployments/:deployment', async (request, response) => {
    const found = find(gitlab, request, DEVELOPER);
    const { status } = parameters(request, z.object({ status: z.enum(DEPLOYMENT_STATES) }));
    await change(gitlab, found, status);
    response.json(deploymentEntity(gitlab, found.project, found.deployment));
  });
  routes.delete('/projects/:id/deployments/:deployment', (request, response) => {
    remove(find(gitlab, request, DEVELOPER));
    response.status(204).end();
  });
  return routes;
}

type Found = Asker & { deployment: Deployment };

function find(gitlab: GitLab, request: Request, least: number): Found {
  const found = asker(gitlab, request, least);
  const wanted = segment(request, 'deployment');
  const deployment = found.project.deployments.find(({ id }) => String(id) === wanted);
  if (deployment === undefined) throw notFound();
  return { ...found, deployment };
}

function select({ project }: Asker, request: Request): Deployment[] {
  const wanted = parameters(request, listParameters);
  const environment = project.environments.find(({ name }) => name === wanted.environment);
  const found = project.deployments.filter(
    (one) =>
      (wanted.environment === undefined || one.environmentId === environment?.id) &&
      (wanted.status === undefined || one.status === wanted.status),
  );
  const keys = {
    id: 'id',
    iid: 'iid',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
    ref: 'ref',
  } as const;
  const key = keys[wanted.order_by];
  const sorted = found.toSorted((a, b) =>
    a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.id - b.id,
  );
  return wanted.sort === 'asc' ? sorted : sorted.toReversed();
}

/** Deployments kept of a project; the oldest go first. */
const MAX_DEPLOYMENTS = 10_000;

async function create(
  gitlab: GitLab,
  { project, repo, user }: Asker,
  wanted: z.output<typeof newDeployment>,
): Promise<Deployment> {
  if ((await resolveCommit(repo, wanted.ref)) === undefined) {
    throw invalid('ref', 'The branch or tag does not exist');
  }
  if ((await resolveCommit(repo, wanted.sha)) === undefined) {
    throw invalid('sha', 'The commit does not exist');
  }
  const environment =
    project.environments.find(({ name }) => name === wanted.environment) ??
    createEnvironment(gitlab, project, wanted.environment);
  environment.state = 'available';
  const now = gitlab.timestamp();
  const deployment: Deployment = {
    id: gitlab.state.nextId('deployment'),
    iid: gitlab.state.nextId(`deployment of ${project.id}`),
    environmentId: environment.id,
    ref: wanted.ref,
    sha: wanted.sha,
    tag: wanted.tag,
    status: wanted.status,
    userId: user.id,
    createdAt: now,
    updatedAt: now,
  };
  project.deployments.push(deployment);
  if (project.deployments.length > MAX_DEPLOYMENTS) project.deployments.shift();
  return deployment;
}

const EVENTS = { running: 'run', success: 'succeed', failed: 'drop', canceled: 'cancel' };

async function change(gitlab: GitLab, found: Found, status: Deployment['status']): Promise<void> {
  const { deployment } = found;
  if (!mayBecome(deployment.status, status)) {
    throw invalid('status', `cannot transition via "${EVENTS[status]}"`);
  }
  deployment.status = status;
  deployment.updatedAt = gitlab.timestamp();
  await announce(gitlab, found, deployment);
}

/** What runs or is the newest success of its environment stays. */
function remove({ project, deployment }: Found): void {
  if (deployment.status === 'running') {
    throw new ApiError(400, { message: 'Cannot destroy running deployment' });
  }
  const current = project.deployments.findLast(
    ({ environmentId, status }) =>
      environmentId === deployment.environmentId && status === 'success',
  );
  if (current === deployment) {
    throw new ApiError(400, { message: 'Deployment currently deployed to environment' });
  }
  project.deployments = project.deployments.filter((other) => other !== deployment);
}

async function announce(gitlab: GitLab, found: Asker, deployment: Deployment): Promise<void> {
  const { project, repo, user } = found;
  const environment = project.environments.find(({ id }) => id === deployment.environmentId);
  const sha = await resolveCommit(repo, deployment.sha);
  if (environment === undefined || sha === undefined) return;
  const { title: commitTitle } = await readCommit(repo, sha);
  fire(gitlab, {
    project,
    trigger: 'deployment_hooks',
    wanted: (hook) => hook.events.deployment_events,
    body: deploymentBody(gitlab.instance(), {
      project,
      user,
      deployment,
      environment,
      commitTitle,
    }),
  });
}
