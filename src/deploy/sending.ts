/** Makes the release of a deployment, and gives Marathon its definition. */
import type { Marathon } from '../clients/marathon.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { ConflictError } from '../core/errors.ts';
import type { HandOn } from '../core/event.ts';
import type { ServiceSpec } from '../core/manifest.ts';
import type { Release, ReleaseStore, Scale, ScaleStore } from '../core/release.ts';
import { routesLabel } from '../core/upstream.ts';
import type { AppEnvironment } from '../core/variable.ts';
import { addressesOf, toApp } from './app-definition.ts';

export interface SendingOptions {
  marathon: Marathon;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  scales: ScaleStore;
  install: string;
  domain: string;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
  /** What GitLab's variables bring to the app; default: nothing. */
  environmentOf?: (deployment: Deployment) => Promise<AppEnvironment>;
  /** Runs work on one app while nobody else does. */
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
}

/** Gives Marathon the definition, unless an earlier attempt did. */
export async function send(
  options: SendingOptions,
  deployment: Deployment,
  handOn: HandOn,
): Promise<Deployment | 'superseded'> {
  if (deployment.marathon) return deployment;
  const { marathon, deployments, scales, domain, urlOf } = options;
  const { id, app, kind } = deployment;
  const start = Date.now();
  const { release, warnings } = await releaseOf(options, deployment);
  await deployments.update(id, {
    release: release.number,
    state: 'running',
    addresses: addressesOf(deployment, domain).map(urlOf),
    variables: variablesOf(release),
    warnings,
    legs: [{ name: 'deploy', start }],
  });
  await handOn({ type: 'deployment.started', deployment: id });
  return options.exclusively(app, async () => {
    if ((await deployments.leader(app)) !== id) return 'superseded' as const;
    const instances = instancesOf(release.spec, await scales.find(app), kind);
    // Whatever still goes on there belongs to a commit that this one replaces.
    const { version, deploymentId } = await marathon.putApp(definitionOf(release, instances), {
      force: true,
    });
    return deployments.update(id, { marathon: { version, deployment: deploymentId } });
  });
}

/**
 * How many instances a definition is sent with. What a person asked for counts until a new image comes
 * with another number in its manifest; on a way back it always counts, since the load is as it was.
 */
export function instancesOf(
  spec: ServiceSpec,
  scale: Scale | undefined,
  kind: Deployment['kind'],
): number {
  if (scale === undefined) return spec.instances;
  return kind === 'rollback' || scale.manifest === spec.instances
    ? scale.instances
    : spec.instances;
}

/** The definition of a release as Marathon takes it, with so many instances. */
export function definitionOf({ definition, app }: Release, instances: number) {
  return { ...definition, id: app, instances };
}

interface Prepared {
  release: Release;
  warnings: string[];
}

/** A rollback brings a release back as it was; everything else makes a new one. */
async function releaseOf(options: SendingOptions, deployment: Deployment): Promise<Prepared> {
  if (deployment.kind !== 'rollback') return makeRelease(options, deployment);
  const { app, release: number = 0 } = deployment;
  const release = await options.releases.find(app, number);
  if (release) return { release: atAddressesOf(release, deployment, options), warnings: [] };
  throw new ConflictError(`Release ${number} is no longer kept.`, {
    code: 'E_RELEASE',
    hint: 'Deploy the commit again: its build makes a new release.',
  });
}

/** A release comes back as it was, save that it answers under the name that its project has now. */
function atAddressesOf(
  release: Release,
  deployment: Deployment,
  { domain }: SendingOptions,
): Release {
  const { definition } = release;
  const labels = (definition['labels'] ?? {}) as Record<string, string>;
  const routes = { [routesLabel]: addressesOf(deployment, domain).join(',') };
  const isRouted = labels[routesLabel] !== undefined;
  return isRouted
    ? { ...release, definition: { ...definition, labels: { ...labels, ...routes } } }
    : release;
}

const nothing: AppEnvironment = { env: {}, secrets: [], warnings: [] };

async function makeRelease(options: SendingOptions, deployment: Deployment): Promise<Prepared> {
  const { releases, install, domain, environmentOf = async () => nothing } = options;
  const { env, secrets, warnings } = await environmentOf(deployment);
  const number = deployment.release ?? (await releases.next(deployment.app));
  const release: Release = {
    ...pick(deployment),
    number,
    service: deployment.service.name,
    spec: deployment.service,
    definition: toApp(deployment, { install, domain, release: number, env }),
    variables: Object.keys(env),
    secrets,
    createdAt: Date.now(),
  };
  await releases.create(release);
  return { release, warnings };
}

function pick(deployment: Deployment) {
  const { app, project, projectPath, environment, ref, sha, build, image } = deployment;
  const { fragments, serviceCount, deadline } = deployment;
  return {
    ...{ app, project, projectPath, environment, ref, sha, build, image },
    ...{ fragments, serviceCount, deadline },
  };
}

function variablesOf({ definition }: Release): string[] {
  return Object.keys((definition['env'] ?? {}) as object).sort();
}
