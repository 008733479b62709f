/** Makes of Ekiden's records what the API answers. */
import type { z } from 'zod';
import type { Build } from '../../core/build.ts';
import { type Deployment, reasonNow } from '../../core/deployment.ts';
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
  const reason = reasonNow(deployment);
  const evidence = evidenceOf(deployment, url);
  return {
    ...record,
    ...{ kind, warnings, variables },
    ...(reason === undefined ? {} : { reason }),
    ...(evidence === undefined ? {} : { evidence }),
    service: service.name,
    url: `${url}/deployments/${deployment.id}`,
  };
}

function evidenceOf({ project, environment, service, release, state }: Deployment, url: string) {
  if (release === undefined || state === 'queued' || state === 'held') return undefined;
  const place = `projects/${project}/environments/${encodeURIComponent(environment)}/services/${service.name}`;
  return `${url}/api/v1/${place}/evidence?release=${release}`;
}

export function viewOfService(status: ServiceStatus): View<typeof schemas.service> {
  return status;
}
