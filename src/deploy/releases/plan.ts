/** Says what a deployment would change, and writes nothing. */
import type { DataCentres } from '../../clients/data-centres.ts';
import type { Deployment } from '../../core/deployment.ts';
import { type EnvironmentSettingsStore, holdOf } from '../../core/environment.ts';
import { messageOf } from '../../core/errors.ts';
import type { AppIds } from '../../core/project.ts';
import type { Release, ScaleStore } from '../../core/release.ts';
import { diffReleases } from '../../core/release-diff.ts';
import type { Plan, PlannedService, WantedPlan } from '../../core/release-history.ts';
import type { AppEnvironment } from '../../core/variable.ts';
import { type AskedOptions, again, back, ofBuild, servingOnce } from '../operations/asked.ts';
import { instancesOf } from '../rollout/instances-for.ts';
import { strategyFor } from '../rollout/strategy-for.ts';
import { appsOfProject, nameOf } from '../services/apps.ts';
import { draftRelease } from './release-draft.ts';

export interface PlanOptions extends AskedOptions {
  domain: string;
  scales: Pick<ScaleStore, 'find'>;
  environmentSettings: Pick<EnvironmentSettingsStore, 'find'>;
  dataCentres: Pick<DataCentres, 'apps' | 'find' | 'defaults'>;
  /** What GitLab's variables bring to the app. */
  environmentOf: (deployment: Deployment) => Promise<AppEnvironment>;
}

export async function plan(options: PlanOptions, wanted: WantedPlan): Promise<Plan> {
  const { project, environment, build, release } = wanted;
  const reading = { ...options, appIds: readOnly(options.appIds) };
  const meant = { ...wanted, by: '' };
  const deployments =
    release !== undefined
      ? await back(reading, { ...meant, release })
      : build === undefined
        ? await again(reading, meant)
        : await ofBuild(reading, meant, build);
  const running = await runningInstances(options, wanted);
  const services: PlannedService[] = [];
  for (const each of deployments) services.push(await planOf(options, each, running));
  const settings = await options.environmentSettings.find(project, environment);
  const held = holdOf({ ...settings, autoDeploy: true }, environment, Date.now());
  return { services, ...(held === undefined ? {} : { held }) };
}

/** Who only looks must not claim an id for a service that is not there yet. */
function readOnly(appIds: AppIds): AppIds {
  return {
    ...appIds,
    claim: async (claim) => (await appIds.list(claim)).get(claim.service) ?? claim.wanted,
  };
}

interface Running {
  /** Number of the release. */
  number: number;
  instances: number;
}

/** Of each service that runs in the environment. */
async function runningInstances(options: PlanOptions, { project, environment }: WantedPlan) {
  const apps = (await appsOfProject(options, project)).filter(
    (app) => nameOf(app)?.environment === environment,
  );
  const running = new Map<string, Running>();
  for (const app of await servingOnce(options, apps)) {
    const number = Number(app.labels['ekiden.release']);
    running.set(nameOf(app)?.service ?? '', { number, instances: app.instances });
  }
  return running;
}

async function planOf(
  options: PlanOptions,
  deployment: Deployment,
  running: Map<string, Running>,
): Promise<PlannedService> {
  const { app, kind, service } = deployment;
  const now = running.get(service.name);
  const before = now && (await options.releases.find(app, now.number));
  const { after, warnings } = await wouldBe(options, deployment, before);
  const { to, ...changes } = diffReleases(before, after);
  return {
    ...changes,
    // What is made anew has no number before it is made.
    ...(kind === 'rollback' && to !== undefined ? { to } : {}),
    ...{ service: service.name, app, kind },
    // Marathon restarts an app whose labels change, and those of every release are its own.
    restarts: now?.instances ?? 0,
    instances: instancesOf(service, await options.scales.find(app), kind),
    strategy: strategyFor(deployment, now),
    dataCentres: [...(service.dataCentres ?? options.dataCentres.defaults())],
    warnings: [...warnings, ...(await doubts(options, deployment))],
  };
}

async function wouldBe(
  options: PlanOptions,
  deployment: Deployment,
  before: Release | undefined,
): Promise<{ after: Release | undefined; warnings: string[] }> {
  const { releases, install, domain } = options;
  const { app, kind, release: number = 0 } = deployment;
  if (kind === 'rollback') return { after: await releases.find(app, number), warnings: [] };
  const environment = await options.environmentOf(deployment);
  const draft = { install, domain, number: 0, createdAt: Date.now(), environment };
  const given = new Set([...Object.keys(environment.env), ...Object.keys(deployment.service.env)]);
  const missing = (before?.secrets ?? []).filter((name) => !given.has(name));
  return {
    after: draftRelease(deployment, draft),
    warnings: [
      ...environment.warnings,
      ...missing.map((name) => `The secret ${name} that runs now is not in GitLab any more.`),
    ],
  };
}

/** What may keep the deployment from becoming healthy. */
async function doubts(options: PlanOptions, deployment: Deployment): Promise<string[]> {
  const { app, image, sha, service } = deployment;
  const found: string[] = [];
  if (await options.releases.isBad(app, { image, sha })) {
    found.push(`${service.name} did not become healthy with this image of this commit before.`);
  }
  for (const name of service.dataCentres ?? []) {
    try {
      options.dataCentres.find(name);
    } catch (error) {
      found.push(messageOf(error));
    }
  }
  if (service.constraints?.length) {
    const said = service.constraints.map((each) => each.join(' ')).join(', ');
    found.push(`It waits where no node meets its constraints: ${said}.`);
  }
  return found;
}
