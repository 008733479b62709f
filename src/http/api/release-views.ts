/** Makes of records of releases what the API answers: names of variables, and no value of one. */
import type { z } from 'zod';
import type { EnvironmentRelease, ServiceRelease } from '../../core/release-history.ts';
import { redacted } from '../../core/secret.ts';
import type * as schemas from './release-schemas.ts';

/** `url` is that of Ekiden. */
export function viewOfRelease(
  release: EnvironmentRelease,
  url: string,
): z.input<typeof schemas.release> {
  const { services, ...facts } = release;
  return {
    ...facts,
    runs: services.some(({ runs }) => runs),
    buildUrl: `${url}/builds/${release.build}`,
    services: services.map(summaryOf),
  };
}

function summaryOf({ service, release, standing, runs, evidence }: ServiceRelease) {
  return { service, image: release.image, standing, runs, evidence };
}

export function viewOfServiceRelease(
  of: ServiceRelease,
): z.input<typeof schemas.releaseDetail>['services'][number] {
  const { app, spec, fragments, weights } = of.release;
  return {
    ...summaryOf(of),
    ...{ app, cpus: spec.cpus, mem: spec.mem, instances: spec.instances },
    variables: variablesOf(of),
    fragments: fragments.map(({ file, sha256 }) => ({ file, sha256 })),
    ...(weights ? { weights } : {}),
    definition: withoutValues(of.release.definition),
  };
}

export function variablesOf({ release }: Pick<ServiceRelease, 'release'>) {
  const { definition, variables = [], secrets = [] } = release;
  return Object.keys((definition['env'] ?? {}) as object)
    .sort()
    .map((name) => ({
      name,
      from: variables.includes(name) ? ('gitlab' as const) : ('manifest' as const),
      isSecret: secrets.includes(name),
    }));
}

function withoutValues(definition: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys((definition['env'] ?? {}) as object);
  return { ...definition, env: Object.fromEntries(names.map((name) => [name, redacted])) };
}
