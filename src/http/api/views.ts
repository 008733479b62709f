/** Makes of Ekiden's records what the API answers. */
import type { z } from 'zod';
import type { Build } from '../../core/build.ts';
import type { Deployment } from '../../core/deployment.ts';
import type { ServiceStatus } from '../../core/service.ts';
import { describeWaiting } from '../../core/waiting.ts';
import type * as schemas from './schemas.ts';

type View<Schema extends z.ZodType> = z.input<Schema>;

/** `url` is that of Ekiden. */
export function viewOfBuild(build: Build, url: string): View<typeof schemas.build> {
  const { plan, cause = 'hook', steps = [], waiting, ...record } = build;
  const isWaiting = build.state === 'queued' && waiting !== undefined;
  return {
    ...record,
    ...(isWaiting ? { waiting: { ...waiting, why: describeWaiting(build) } } : {}),
    ...{ cause, steps },
    environments: plan?.environments ?? [],
    fragments: plan?.fragments ?? [],
    warnings: plan?.warnings ?? [],
    url: `${url}/builds/${build.id}`,
  };
}

export function viewOfDeployment(
  deployment: Deployment,
  url: string,
): View<typeof schemas.deployment> {
  const { service, kind = 'push', warnings = [], variables = [], ...record } = deployment;
  return {
    ...record,
    ...{ kind, warnings, variables },
    service: service.name,
    url: `${url}/deployments/${deployment.id}`,
  };
}

export function viewOfService(status: ServiceStatus): View<typeof schemas.service> {
  return status;
}
