/** Which images somebody still needs: what runs, what one can go back to, what comes, and what was built of late. */
import type { DataCentres } from '../../clients/data-centres.ts';
import { type BuildStore, type Heads, isActive } from '../../core/build.ts';
import { type DeploymentStore, isOpen } from '../../core/deployment.ts';
import type { ProjectStore } from '../../core/project.ts';
import type { ReleaseStore } from '../../core/release.ts';
import { refTag, shaTag } from '../image/image-name.ts';

export interface NeededOptions {
  dataCentres: Pick<DataCentres, 'apps'>;
  releases: Pick<ReleaseStore, 'images'>;
  builds: Pick<BuildStore, 'list'>;
  heads: Pick<Heads, 'current'>;
  deployments: Pick<DeploymentStore, 'list'>;
  knownProjects: Pick<ProjectStore, 'ids'>;
  install: string;
  /** How many images of each branch and tag stay, those that no release needs included. */
  keep: number;
  /** Milliseconds for which a build keeps its image whatever comes of it. */
  after: number;
}

export interface Needed {
  /** `sha256:…` of manifests. */
  digests: Set<string>;
  /** Docker's ids of images that are made and not pushed yet. */
  ids: Set<string>;
  /** Tags that a build under way may give at any moment. */
  tags: Set<string>;
}

/** What is known of the images of one project. */
export interface ProjectImages extends Needed {
  project: number;
  /** Those that were pushed, by the repositories that they went to. */
  pushed: Map<string, Set<string>>;
  /** Tags of its branches and tags. */
  refTags: Set<string>;
}

/** Builds, and deployments, of a project that are looked at: all that are kept. */
const limit = 500;

/** What runs, and what one can go back to. @throws where a Marathon or Redis does not answer. */
export async function findReleased({
  dataCentres,
  releases,
  install,
}: NeededOptions): Promise<Set<string>> {
  const { apps, away } = await dataCentres.apps({ label: `ekiden.install==${install}` });
  if (away[0]) throw away[0].error;
  const running = apps.flatMap(({ container }) => container?.docker?.image ?? []);
  return new Set([...running, ...(await releases.images())].flatMap(digestIn));
}

/** What builds and deployments of the project need now, and what was pushed of it. */
export async function imagesOf(options: NeededOptions, project: number): Promise<ProjectImages> {
  const { builds, heads, keep, after } = options;
  const found = nothingOf(project);
  // A build can be deployed that is in no release yet; whoever asks for the releases next misses nothing.
  const deployments = await options.deployments.list(project, { limit });
  const coming = deployments.items.filter(isOpen);
  for (const digest of coming.flatMap(({ image }) => digestIn(image))) found.digests.add(digest);
  const { items } = await builds.list(project, { limit });
  const newest = new Map<string, Set<string>>();
  for (const build of items) {
    const { ref, image, createdAt } = build;
    found.refTags.add(refTag(ref));
    if (isActive(build)) found.tags.add(shaTag(build.sha));
    if (isActive(build) && build.made !== undefined) found.ids.add(build.made);
    if (image === undefined) continue;
    note(found, image);
    const ofRef = newest.get(ref) ?? new Set();
    newest.set(ref, ofRef);
    // One image may have served several commits; it counts once.
    const isOfNewest = ofRef.size < keep && (await heads.current(project, ref)) !== undefined;
    if (isOfNewest) ofRef.add(image);
    const isRecent = createdAt > Date.now() - after;
    if (isRecent || isOfNewest) for (const digest of digestIn(image)) found.digests.add(digest);
  }
  return found;
}

function nothingOf(project: number): ProjectImages {
  const none = { digests: new Set<string>(), ids: new Set<string>(), tags: new Set<string>() };
  return { project, ...none, pushed: new Map(), refTags: new Set() };
}

function note({ pushed }: ProjectImages, image: string): void {
  const [repository = '', digest = ''] = image.split('@');
  const digests = pushed.get(repository) ?? new Set();
  pushed.set(repository, digests.add(digest));
}

function digestIn(image: string): string[] {
  const digest = image.split('@')[1];
  return digest === undefined ? [] : [digest];
}
