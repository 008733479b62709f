/** Endpoints about a service in an environment: how it is, and what one can do with it. */
import { z } from 'zod';
import { sumOf } from '../../core/sample.ts';
import { type Context, endpoint } from './endpoint.ts';
import { findService, instanceParams, serviceParams } from './names.ts';
import * as schemas from './schemas.ts';
import { viewOfService } from './views.ts';

const path = '/projects/{project}/environments/{environment}/services/{service}';

export const readService = endpoint({
  method: 'get',
  path,
  id: 'readService',
  tag: 'Services',
  summary: 'A service: what runs, how it is, and where it answers',
  needs: 'look',
  params: serviceParams,
  answer: { description: 'The service as Marathon knows it now.', schema: schemas.service },
  handle: async ({ ekiden, ...named }) => viewOfService(await findService(ekiden, named)),
});

export const readHealth = endpoint({
  method: 'get',
  path: `${path}/health`,
  id: 'readHealth',
  tag: 'Services',
  summary: 'How a service is, in a word and a sentence',
  needs: 'look',
  params: serviceParams,
  answer: {
    description: 'Its health.',
    schema: z
      .object({
        health: schemas.health,
        reason: z.string().optional(),
        instances: schemas.counts,
        unhealthy: z.array(schemas.instance),
      })
      .meta({ id: 'ServiceHealth' }),
  },
  async handle({ ekiden, ...named }) {
    const { health, reason, instances, list } = await findService(ekiden, named);
    const unhealthy = list.filter(({ state }) => state !== 'healthy');
    return { health, instances, unhealthy, ...(reason ? { reason } : {}) };
  },
});

export const listInstances = endpoint({
  method: 'get',
  path: `${path}/instances`,
  id: 'listInstances',
  tag: 'Services',
  summary: 'The instances of a service',
  needs: 'look',
  params: serviceParams,
  answer: {
    description: 'All that Marathon knows now.',
    schema: z.object({ items: z.array(schemas.instance) }).meta({ id: 'Instances' }),
  },
  handle: async ({ ekiden, ...named }) => ({ items: (await findService(ekiden, named)).list }),
});

export const scale = endpoint({
  method: 'put',
  path: `${path}/scale`,
  id: 'scale',
  tag: 'Services',
  summary: 'Sets the number of instances, until the manifest itself asks for another one',
  needs: 'scale',
  params: serviceParams,
  body: z
    .object({ instances: z.int().min(0).max(10_000) })
    .strict()
    .meta({ id: 'WantedScale' }),
  answer: { status: 202, description: 'Marathon is at it.', schema: schemas.service },
  others: { 409: 'A deployment is under way.' },
  async handle({ ekiden, body, caller, ...named }) {
    const { project, environment, service } = await findService(ekiden, named);
    const wanted = { instances: body.instances, by: caller.username };
    return viewOfService(await ekiden.operations.scale({ project, environment, service }, wanted));
  },
});

type OfService = Context<z.output<typeof serviceParams>, unknown, unknown>;

/** Does what needs nothing but the service and who asks. */
function doing(action: 'restart' | 'suspend' | 'resume') {
  return async ({ ekiden, caller, ...named }: OfService) => {
    const { project, environment, service } = await findService(ekiden, named);
    const name = { project, environment, service };
    return viewOfService(await ekiden.operations[action](name, caller.username));
  };
}

export const restart = endpoint({
  method: 'post',
  path: `${path}/restart`,
  id: 'restart',
  tag: 'Services',
  summary: 'Replaces all instances by new ones of the same release',
  needs: 'restart',
  params: serviceParams,
  answer: { status: 202, description: 'Marathon is at it.', schema: schemas.service },
  others: { 409: 'A deployment is under way.' },
  handle: doing('restart'),
});

export const killInstance = endpoint({
  method: 'delete',
  path: `${path}/instances/{instance}`,
  id: 'killInstance',
  tag: 'Services',
  summary: 'Ends one instance, once balancers send it no more requests',
  description:
    'Without replacement the service has one instance less, which takes the right to scale.',
  needs: 'restart',
  params: instanceParams,
  query: z.object({
    replace: z
      .enum(['true', 'false'])
      .default('true')
      .transform((word) => word === 'true')
      .meta({ description: 'Whether another one takes its place.' }),
  }),
  answer: { status: 202, description: 'Marathon is at it.', schema: schemas.service },
  others: { 409: 'A deployment is under way.' },
  async handle({ ekiden, caller, authorize, query: { replace }, ...named }) {
    const { project, environment, service } = await findService(ekiden, named);
    if (!replace) await authorize({ ability: 'scale', environment });
    const wanted = { instance: named.params.instance, replace, by: caller.username };
    return viewOfService(await ekiden.operations.kill({ project, environment, service }, wanted));
  },
});

export const suspend = endpoint({
  method: 'post',
  path: `${path}/suspend`,
  id: 'suspend',
  tag: 'Services',
  summary: 'Stops all instances of a service until it is resumed',
  needs: 'scale',
  params: serviceParams,
  answer: { status: 202, description: 'Marathon is at it.', schema: schemas.service },
  others: { 409: 'A deployment is under way.' },
  handle: doing('suspend'),
});

export const resume = endpoint({
  method: 'post',
  path: `${path}/resume`,
  id: 'resume',
  tag: 'Services',
  summary: 'Brings a suspended service back with as many instances as it had',
  needs: 'scale',
  params: serviceParams,
  answer: { status: 202, description: 'Marathon is at it.', schema: schemas.service },
  others: { 409: 'A deployment is under way.' },
  handle: doing('resume'),
});

const metrics = z
  .object({
    sum: schemas.series,
    instances: z.array(
      z.object({
        instance: z.string(),
        limits: z.object({ cpu: z.number().optional(), memory: z.number().optional() }),
        series: schemas.series,
      }),
    ),
  })
  .meta({ id: 'Metrics' });

export const readMetrics = endpoint({
  method: 'get',
  path: `${path}/metrics`,
  id: 'readMetrics',
  tag: 'Services',
  summary: 'What a service used in the last hour, in steps of 10 s, by instance and summed',
  needs: 'look',
  params: serviceParams,
  answer: { description: 'From the nodes that the instances ran on.', schema: metrics },
  async handle({ ekiden, ...named }) {
    const { app } = await findService(ekiden, named);
    const instances = await ekiden.metrics.ofApp(app);
    return { sum: sumOf(instances.map(({ series }) => series)), instances };
  },
});
