/** Endpoints about deployments. */
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import {
  environmentName,
  environmentParams,
  missing,
  projectParams,
  recordParams,
} from './names.ts';
import * as schemas from './schemas.ts';
import { viewOfDeployment } from './views.ts';

export const listDeployments = endpoint({
  method: 'get',
  path: '/projects/{project}/deployments',
  id: 'listDeployments',
  tag: 'Deployments',
  summary: 'Deployments of a project, newest first',
  needs: 'look',
  params: projectParams,
  query: schemas.paging.extend({ environment: z.string().optional() }),
  answer: { description: 'One page.', schema: schemas.pageOf(schemas.deployment, 'Deployment') },
  async handle({ ekiden, project, query: { limit, cursor, environment } }) {
    const page = await ekiden.deployments.list(project, {
      limit,
      ...(cursor ? { cursor } : {}),
      ...(environment ? { environment } : {}),
    });
    const items = page.items.map((each) => viewOfDeployment(each, ekiden.config.url));
    return { items, ...(page.next ? { next: page.next } : {}) };
  },
});

const services = z.array(z.string()).min(1).optional().meta({ description: 'Default: all.' });
const override = z
  .boolean()
  .optional()
  .meta({ description: 'True: also while the environment is frozen.' });
const requested = z
  .object({ deployments: z.array(schemas.deployment) })
  .meta({ id: 'RequestedDeployments' });

export const requestDeployment = endpoint({
  method: 'post',
  path: '/projects/{project}/deployments',
  id: 'requestDeployment',
  tag: 'Deployments',
  summary: 'Deploys the image that runs, or that of a build, with the variables as they are now',
  description: 'Least access level: 40 in production, 30 elsewhere.',
  needs: 'look',
  params: projectParams,
  body: z
    .object({
      environment: environmentName.default('production'),
      services,
      build: z.string().optional().meta({ description: 'Default: the image that runs.' }),
      override,
    })
    .strict()
    .meta({ id: 'WantedDeployment' }),
  answer: { status: 202, description: 'They are queued.', schema: requested },
  others: { 409: 'There is nothing to deploy, or the environment is frozen.' },
  async handle({ ekiden, project, body, caller, authorize }) {
    const { environment, ...rest } = body;
    await authorize({ ability: 'deploy', environment });
    const list = await ekiden.operations.deploy({
      ...{ project, environment, by: caller.username },
      ...withoutUndefined(rest),
    });
    return { deployments: list.map((each) => viewOfDeployment(each, ekiden.config.url)) };
  },
});

export const readDeployment = endpoint({
  method: 'get',
  path: '/projects/{project}/deployments/{id}',
  id: 'readDeployment',
  tag: 'Deployments',
  summary: 'A deployment',
  needs: 'look',
  params: recordParams,
  answer: { description: 'The deployment as it is now.', schema: schemas.deployment },
  async handle({ ekiden, project, params }) {
    const deployment = await ekiden.deployments.find(params.id);
    if (deployment?.project !== project) throw missing('deployment');
    return viewOfDeployment(deployment, ekiden.config.url);
  },
});

export const decideDeployment = endpoint({
  method: 'post',
  path: '/projects/{project}/deployments/{id}/decision',
  id: 'decideDeployment',
  tag: 'Deployments',
  summary: 'Says how a canary goes on: with all instances, or back',
  description: 'Least access level: 40 in production, 30 elsewhere.',
  needs: 'look',
  params: recordParams,
  body: z
    .object({ go: z.enum(['on', 'back']) })
    .strict()
    .meta({ id: 'Decision' }),
  answer: { description: 'It was noted.', schema: schemas.deployment },
  others: { 409: 'Nothing is to be decided, or was decided otherwise.' },
  async handle({ ekiden, project, params, body, caller, authorize }) {
    const found = await ekiden.deployments.find(params.id);
    if (found?.project !== project) throw missing('deployment');
    await authorize({ ability: 'deploy', environment: found.environment });
    const decided = { project, id: params.id, go: body.go, by: caller.username };
    return viewOfDeployment(await ekiden.operations.decide(decided), ekiden.config.url);
  },
});

export const rollback = endpoint({
  method: 'post',
  path: '/projects/{project}/environments/{environment}/rollback',
  id: 'rollback',
  tag: 'Deployments',
  summary: 'Brings back an earlier release that was healthy: image, variables and weights',
  description:
    'Services go back to what they had at that number: the release of the number, or the last good one before.',
  needs: 'rollback',
  params: environmentParams,
  body: z
    .object({
      services,
      override,
      release: z
        .int()
        .positive()
        .optional()
        .meta({ description: 'Default: the one before the current.' }),
      force: z
        .boolean()
        .optional()
        .meta({ description: 'Also one that is bad, or never became healthy.' }),
    })
    .strict()
    .meta({ id: 'WantedRollback' }),
  answer: { status: 202, description: 'They are queued.', schema: requested },
  others: { 409: 'There is no such release to go back to, or the environment is frozen.' },
  async handle({ ekiden, project, params, body, caller }) {
    const list = await ekiden.operations.rollback({
      ...{ project, environment: params.environment, by: caller.username },
      ...withoutUndefined(body),
    });
    return { deployments: list.map((each) => viewOfDeployment(each, ekiden.config.url)) };
  },
});

function withoutUndefined<T extends object>(given: T) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>;
  };
}
