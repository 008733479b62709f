/** Makes the records of releases again where they are lost, of what Marathon and GitLab know. */
import type { DataCentre, DataCentres } from '../../clients/data-centres.ts';
import type { Marathon, MarathonApp } from '../../clients/marathon.ts';
import type { DeploymentStore } from '../../core/deployment.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { AppIds, ProjectStore } from '../../core/project.ts';
import type { NumberedBy, Release, ReleaseStore } from '../../core/release.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { progressOf } from '../rollout/progress.ts';
import { nameOf } from '../services/apps.ts';
import { isCurrent } from '../services/instances.ts';
import { toRelease } from './release-labels.ts';
import { followUnjudged } from './unjudged.ts';

export interface RebuildOptions {
  dataCentres: Pick<DataCentres, 'list'>;
  install: string;
  releases: ReleaseStore;
  deployments: Pick<DeploymentStore, 'leader' | 'create' | 'lead'>;
  appIds: AppIds;
  knownProjects: Pick<ProjectStore, 'find' | 'note'>;
  /** What GitLab shows of the deployments of the release; undefined where it shows no end. */
  toldOf: (release: Release) => Promise<'good' | 'bad' | undefined>;
  log: Log;
}

/** So many versions of an app are all that Marathon keeps by default (zk_max_versions). */
const mostVersions = 50;

/** What Marathon adds to a definition, which it does not take back. */
const added = new Set([
  ...['version', 'versionInfo', 'tasks', 'tasksStaged', 'tasksRunning', 'tasksHealthy'],
  ...['tasksUnhealthy', 'deployments', 'lastTaskFailure', 'taskStats', 'readinessCheckResults'],
]);

/**
 * Records the releases of all apps, or of a project's, that no record is kept of; answers how many. What
 * is recorded stays as it is, so that it may run at any time, and in several processes.
 */
export async function rebuildReleases(options: RebuildOptions, project?: number): Promise<number> {
  const { dataCentres, log } = options;
  let made = 0;
  for (const dataCentre of dataCentres.list()) {
    made += await rebuildIn(options, dataCentre, project);
  }
  if (made > 0) log.info({ releases: made }, 'records of releases made again of what runs');
  return made;
}

/** As `rebuildReleases`, where nothing is known of the numbers of the environment. */
export async function ensureNumbered(options: RebuildOptions, where: NumberedBy): Promise<void> {
  if (await options.releases.isNumbered(where)) return;
  await rebuildReleases(options, where.project);
  await options.releases.reach(where, 0);
}

async function rebuildIn(
  options: RebuildOptions,
  { marathon }: DataCentre,
  project: number | undefined,
): Promise<number> {
  const ofProject = project === undefined ? '' : `,ekiden.project==${project}`;
  const label = `ekiden.install==${options.install}${ofProject}`;
  let made = 0;
  const apps = await marathon.apps({ label });
  for (const app of apps) {
    const isBeside = apps.some(({ id }) => id === serviceAppOf(app.id) && id !== app.id);
    made += await rebuildApp(options, marathon, { app, isBeside });
  }
  return made;
}

async function rebuildApp(
  options: RebuildOptions,
  marathon: Marathon,
  { app, isBeside }: { app: MarathonApp; isBeside: boolean },
): Promise<number> {
  const { releases, appIds, deployments } = options;
  const name = nameOf(app);
  const current = Number(app.labels['ekiden.release']);
  if (!name || !Number.isInteger(current)) return 0;
  const id = serviceAppOf(app.id);
  await releases.reach(name, current);
  await appIds.claim({ ...name, wanted: id });
  if ((await releases.find(id, current)) !== undefined) return 0;
  const found = await releasesOf(marathon, app.id);
  for (const release of found) {
    const told = await restore(options, release, isHealthy(app, release));
    // What is tried beside another is nobody's only hope.
    const isUnjudged = told === 'nothing' && release.number === current && !isBeside;
    if (isUnjudged) await followUnjudged(deployments, release);
  }
  await noteProject(options, found.at(-1));
  return found.length;
}

/** Of each release what was sent last, in the order of their numbers. */
async function releasesOf(marathon: Marathon, app: string): Promise<Release[]> {
  const byNumber = new Map<number, Release>();
  for (const version of (await marathon.versions(app)).slice(0, mostVersions)) {
    const definition = await marathon.version(app, version);
    const release = definition && toRelease(withoutAdded(definition));
    if (release && !byNumber.has(release.number)) byNumber.set(release.number, release);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

function withoutAdded(definition: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => !added.has(name)));
}

/** Answers what is known of how it was; undefined where GitLab does not answer. */
async function restore(
  { releases, toldOf, log }: RebuildOptions,
  release: Release,
  runsHealthy: boolean,
): Promise<'good' | 'bad' | 'nothing' | undefined> {
  await releases.create(release);
  const { app, number } = release;
  try {
    const told = runsHealthy ? 'good' : await toldOf(release);
    if (told === 'good') await releases.markGood(app, number);
    // So that it is not deployed again by itself.
    if (told === 'bad') await releases.markBad(app, number, 'GitLab shows that it failed');
    return told ?? 'nothing';
  } catch (error) {
    // Without GitLab's word the release stays one that takes force to go back to.
    log.warn({ app, release: number, error: messageOf(error) }, 'cannot tell how a release was');
    return undefined;
  }
}

function isHealthy(app: MarathonApp, { number }: Release): boolean {
  if (app.labels['ekiden.release'] !== String(number)) return false;
  const isOurs = (version: string | undefined) => isCurrent(app, { version });
  return app.instances > 0 && progressOf(app, { isOurs, hasSettled: () => true }).isHealthy;
}

async function noteProject({ knownProjects }: RebuildOptions, release: Release | undefined) {
  if (!release || (await knownProjects.find(release.project))) return;
  await knownProjects.note({ id: release.project, path: release.projectPath });
}
