/** Names the images whose layers a build may take: the last one of its ref, then that of the default branch. */
import type { Repository } from '../../clients/registry.ts';
import { messageOf } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { chooseBuilder } from '../image/builder-choice.ts';
import { refTag } from '../image/image-name.ts';
import { failureIn, readProgress } from '../image/progress.ts';
import type { Running } from '../making.ts';
import { configDigest } from './bases.ts';

/** What the registry has under a tag. */
interface Candidate {
  /** `repository:tag`. */
  name: string;
  /** What Docker may know it by, once it is here: its configuration, or its manifest on containerd's store. */
  ids: [string, ...string[]];
}

/**
 * The best first; none where nothing would be gained. It is a help only, so what fails is told in the
 * log and keeps no build from being made.
 */
export async function cacheSources(
  running: Running,
  image: { repository: string },
): Promise<string[]> {
  const { build, log, signal } = running;
  if (build.noCache) return [];
  try {
    const candidates = await findCandidates(running, image);
    if (candidates.length === 0) return [];
    const kind = await chooseBuilder(running);
    return await (kind === 'buildkit' ? forBuildKit : forClassic)(running, candidates);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    log.write(`without layers of earlier builds: ${messageOf(error)}\n`);
    return [];
  }
}

async function findCandidates(
  { build, gitlab, registryClient }: Running,
  { repository: name }: { repository: string },
): Promise<Candidate[]> {
  const repository = parseImage(name);
  if (repository === undefined) return [];
  const { defaultBranch } = await gitlab.project(build.project);
  const refs = [build.ref, ...(defaultBranch ? [`refs/heads/${defaultBranch}`] : [])];
  const tags = [...new Set(refs.map(refTag))];
  const found = await Promise.all(
    tags.map(async (tag) => ({
      name: `${name}:${tag}`,
      ids: await idsOf(registryClient, repository, tag),
    })),
  );
  const known = found.flatMap(({ name, ids }) => (ids === undefined ? [] : [{ name, ids }]));
  const first = known.map(({ ids: [id] }) => id);
  return known.filter(({ ids: [id] }, index) => first.indexOf(id) === index);
}

async function idsOf(
  registry: Running['registryClient'],
  repository: Repository,
  tag: string,
): Promise<Candidate['ids'] | undefined> {
  const manifest = await registry.manifest(repository, tag);
  if (manifest === undefined) return undefined;
  const id = configDigest(manifest);
  // A list has no configuration of its own.
  return id === undefined ? [manifest.digest] : [id, manifest.digest];
}

/** BuildKit fetches the layers that fit by itself, where it needs no login for that. */
async function forBuildKit(running: Running, candidates: Candidate[]): Promise<string[]> {
  // A login that the build had would let any FROM in it read the images of other projects.
  if (running.registryLogin !== undefined) {
    for (const candidate of candidates) await ensureHere(running, candidate);
  }
  return candidates.map(({ name }) => name);
}

/**
 * The classic builder takes layers either of its own builds or of the images named, not of both; its own
 * serve better, since those of earlier stages are in no image that is pushed.
 */
async function forClassic(running: Running, candidates: Candidate[]): Promise<string[]> {
  for (const {
    ids: [id],
  } of candidates) {
    if (await hasOwnLayers(running.docker, id)) return [];
  }
  const [best] = candidates;
  if (best === undefined) return [];
  await ensureHere(running, best);
  return [best.name];
}

/** Docker allows no more layers in one image, and a step without files is no layer. */
const longestChain = 500;

/**
 * Whether the builder here would find the steps of the image again: it made each of them itself, and
 * noted by which command. What it once took of a named image lacks the note (restoreCachedImage in
 * moby/image/cache), and is found by that image's name alone.
 */
async function hasOwnLayers(docker: Running['docker'], id: string): Promise<boolean> {
  let image = await inspect(docker, id);
  if (!image?.Parent) return false;
  for (let length = 0; image?.Parent && length < longestChain; length++) {
    // Docker's newest versions show no such note.
    const note = image.ContainerConfig as { Cmd?: string[] | null } | undefined;
    if (!note?.Cmd?.length) return false;
    image = await inspect(docker, image.Parent);
  }
  return true;
}

async function inspect(docker: Running['docker'], name: string) {
  return docker.getImage(name).inspect().catch(absent);
}

/** Pulls the image under its name, unless the name leads to it already. */
async function ensureHere(
  { docker, registryLogin, log, signal }: Running,
  { name, ids }: Candidate,
) {
  const here = await inspect(docker, name);
  if (here !== undefined && ids.includes(here.Id)) return;
  log.write(`fetching ${name} for its layers\n`);
  const [serveraddress = ''] = name.split('/');
  const authconfig = registryLogin ? { ...registryLogin, serveraddress } : {};
  const progress = await docker.pull(name, { authconfig, abortSignal: signal });
  for await (const message of readProgress(progress as AsyncIterable<Buffer>)) {
    const failure = failureIn(message);
    if (failure !== undefined) throw new Error(failure);
  }
}

/** A `catch` for what this host does not have. */
function absent(error: unknown): undefined {
  if ((error as { statusCode?: number }).statusCode === 404) return undefined;
  throw error;
}
