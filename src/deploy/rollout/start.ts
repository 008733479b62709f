/** Makes the release of a deployment, with all that is decided before anything is sent. */
import type { DataCentres } from '../../clients/data-centres.ts';
import type { Deployment, DeploymentStore, Durations } from '../../core/deployment.ts';
import { ConflictError } from '../../core/errors.ts';
import type { HandOn } from '../../core/event.ts';
import type { Release, ReleaseStore } from '../../core/release.ts';
import { routesLabel } from '../../core/upstream.ts';
import type { AppEnvironment } from '../../core/variable.ts';
import { addressesOf } from '../releases/app-definition.ts';
import { draftRelease } from '../releases/release-draft.ts';
import { deadlineOf } from './deadline.ts';
import { placesOf } from './places.ts';

export interface StartOptions {
  dataCentres: Pick<DataCentres, 'defaults'>;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  durations: Pick<Durations, 'list'>;
  install: string;
  domain: string;
  /** Seconds that a deployment has, where its manifest says nothing; default: learnt. */
  deadline?: number | undefined;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
  /** What GitLab's variables bring to the app; default: nothing. */
  environmentOf?: (deployment: Deployment) => Promise<AppEnvironment>;
}

/** A deployment with its release, its places and its deadline. */
export interface Started {
  deployment: Deployment;
  release: Release;
  /** Seconds. */
  deadline: number;
}

/** Makes the release and notes where it goes, unless an earlier attempt did; nothing is sent yet. */
export async function start(
  options: StartOptions,
  deployment: Deployment,
  handOn: HandOn,
): Promise<Started> {
  const { deployments, domain, urlOf } = options;
  const { id } = deployment;
  if (deployment.places) return resume(options, deployment);
  const { release, warnings } = await releaseOf(options, deployment);
  const deadline = deployment.deadline ?? (await deadlineFor(options, deployment));
  const started = await deployments.update(id, {
    release: release.number,
    state: 'running',
    addresses: addressesOf(deployment, domain).map(urlOf),
    variables: variablesOf(release),
    warnings,
    deadline,
    places: placesOf(deployment, options.dataCentres),
    legs: deployment.marathon ? deployment.legs : [{ name: 'deploy', start: Date.now() }],
  });
  await handOn({ type: 'deployment.started', deployment: id });
  return { deployment: started, release, deadline };
}

async function resume(options: StartOptions, deployment: Deployment): Promise<Started> {
  const { app, release: number = 0 } = deployment;
  const release = await options.releases.find(app, number);
  if (!release) throw notKept(number);
  const deadline = deployment.deadline ?? (await deadlineFor(options, deployment));
  const asItWasSent =
    deployment.kind === 'rollback' ? atAddressesOf(release, deployment, options) : release;
  return { deployment, release: asItWasSent, deadline };
}

async function deadlineFor(
  { durations, deadline: setting }: StartOptions,
  { app, deploy }: Deployment,
): Promise<number> {
  const past = await durations.list(app);
  return deadlineOf({ manifest: deploy.deadline, setting, durations: past });
}

interface Prepared {
  release: Release;
  warnings: string[];
}

/** A rollback brings a release back as it was; everything else makes a new one. */
async function releaseOf(options: StartOptions, deployment: Deployment): Promise<Prepared> {
  if (deployment.kind !== 'rollback') return makeRelease(options, deployment);
  const { app, release: number = 0 } = deployment;
  const release = await options.releases.find(app, number);
  if (release) return { release: atAddressesOf(release, deployment, options), warnings: [] };
  throw notKept(number);
}

function notKept(number: number): ConflictError {
  return new ConflictError(`Release ${number} is no longer kept.`, {
    code: 'E_RELEASE',
    hint: 'Deploy the commit again: its build makes a new release.',
  });
}

/** A release comes back as it was, save that it answers under the name that its project has now. */
function atAddressesOf(
  release: Release,
  deployment: Deployment,
  { domain }: StartOptions,
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

async function makeRelease(options: StartOptions, deployment: Deployment): Promise<Prepared> {
  const { releases, install, domain, environmentOf = async () => nothing } = options;
  const environment = await environmentOf(deployment);
  const key = deployment.request ?? deployment.id;
  const number = deployment.release ?? (await releases.number(deployment, key));
  const createdAt = Date.now();
  const draft = draftRelease(deployment, { install, domain, number, createdAt, environment });
  // What an earlier attempt made stays, also where a variable has changed since.
  return { release: await releases.create(draft), warnings: environment.warnings };
}

function variablesOf({ definition }: Release): string[] {
  return Object.keys((definition['env'] ?? {}) as object).sort();
}
