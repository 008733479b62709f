/** How paths name projects, environments, services and instances. */
import { z } from 'zod';
import { NotFoundError } from '../../core/errors.ts';
import type { ServiceDetail } from '../../core/service.ts';
import type { Ekiden } from '../../ekiden.ts';

export const projectParams = z.object({
  project: z
    .string()
    .min(1)
    .max(1_000)
    .meta({ description: 'Id in GitLab, or encoded path.', example: 'group%2Fname' }),
});

/** As the manifest takes them. */
export const environmentName = z
  .string()
  .regex(/^[A-Za-z0-9][\w/.-]{0,254}$/, 'is no name of an environment');

export const environmentParams = projectParams.extend({
  environment: environmentName.meta({ description: 'Encoded name.', example: 'review%2Fx' }),
});

export const serviceParams = environmentParams.extend({
  service: z.string().regex(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/, 'is no name of a service'),
});

export const instanceParams = serviceParams.extend({
  instance: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,500}$/, 'is no id of an instance')
    .meta({ description: "Marathon's task id." }),
});

export const recordParams = projectParams.extend({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/, 'is no id'),
});

interface Named {
  project: number;
  params: { environment: string; service: string };
}

/** @throws NotFoundError that lists the services there are. */
export async function findService(
  { services }: Pick<Ekiden, 'services'>,
  { project, params }: Named,
): Promise<ServiceDetail> {
  const { environment, service } = params;
  const found = await services.find({ project, environment, service });
  if (found) return found;
  const others = (await services.ofProject(project)).map(
    (each) => `${each.service} in ${each.environment}`,
  );
  throw noService(params, others);
}

/** Names the services there are. */
export function noService(
  { environment, service }: Named['params'],
  others: string[],
): NotFoundError {
  return new NotFoundError(`There is no service ${service} in ${environment}.`, {
    code: 'E_SERVICE',
    hint: others.length > 0 ? `There are ${others.join(', ')}.` : 'Nothing is deployed yet.',
  });
}

export function missing(what: string): NotFoundError {
  return new NotFoundError(`There is no such ${what}.`, {
    code: 'E_NOT_FOUND',
    hint: 'The project and its lists tell which there are.',
  });
}
