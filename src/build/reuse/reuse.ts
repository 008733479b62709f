/** Finds out whether the image of a build is made already, without the archive and without a build. */
import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../clients/registry.ts';
import type { Build, SourceRun } from '../../core/build.ts';
import { EkidenError, messageOf } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { shortSha } from '../../core/ref.ts';
import { visiblePaths } from '../context/visible.ts';
import { namedImages } from '../dockerfile/index.ts';
import type { BuilderKind } from '../image/builder-choice.ts';
import { tcpPorts } from '../image/ports.ts';
import type { Running } from '../making.ts';
import type { ImageName } from '../publish.ts';
import { type Base, configDigest, identifyBases, ofPlatform } from './bases.ts';
import { type DockerHost, describeDocker } from './docker-host.ts';
import { fingerprintOf } from './fingerprint.ts';
import { Obstacle, obstacleIn } from './obstacle.ts';
import { listContext, visibleEntries } from './visible-entries.ts';

/** What the image is to be made of, besides what the record of the build says. */
export interface Recipe {
  dockerfile: Buffer;
  map: SourceRun[];
  args: Record<string, string>;
  labels: Record<string, string>;
}

/** What an image of the registry has that later legs need. */
export interface MadeImage {
  manifest: Manifest;
  /** TCP ports that it exposes, lowest first. */
  ports: number[];
}

export interface Fingerprint {
  /** The tag that the image has in the registry. */
  tag: string;
  madeOn: MadeOn;
}

/** What an image is made on besides the commit, which may be another one at any time. */
interface MadeOn {
  platform: string;
  builder: BuilderKind;
  /** Digests of the images that it is made on, by their names. */
  bases: Record<string, string>;
}

/** Undefined, with the reason in the log, where nobody can tell beforehand what would be made. */
export async function fingerprintFor(
  running: Running,
  recipe: Recipe,
): Promise<Fingerprint | undefined> {
  try {
    return await computeFingerprint(running, recipe);
  } catch (error) {
    if (running.signal.aborted) throw running.signal.reason;
    running.log.write(`built anew: ${inOneLine(error)}\n`);
    return undefined;
  }
}

const longestReason = 500;

function inOneLine(error: unknown): string {
  return messageOf(error).replace(/\s+/g, ' ').slice(0, longestReason);
}

async function computeFingerprint(running: Running, recipe: Recipe): Promise<Fingerprint> {
  const { build, plan, gitlab } = running;
  const { dockerfile, args, labels } = recipe;
  const obstacle = obstacleIn(dockerfile, args);
  if (obstacle !== undefined) throw new Obstacle(obstacle);
  const { context, target } = plan;
  const commit = { gitlab, context, project: build.project, sha: build.sha };
  // GitLab needs the longest, and is not waited for before Docker is asked.
  const listing = listContext(commit);
  listing.catch(() => undefined);
  const { host, bases } = await lookUp(running, namedImages(dockerfile, args));
  const visible = visiblePaths(dockerfile, { args, target });
  const isSure = !addsToDockerfile(bases, visible.all ? [] : visible.args);
  const entries = await visibleEntries({
    ...{ ...commit, listing },
    dockerfile: plan.dockerfile,
    visible: isSure ? visible : { all: true },
  });
  const madeOn = toMadeOn(host, bases);
  const tag = fingerprintOf({
    ...{ ...madeOn, args, labels, target, context, entries },
    dockerfile: { path: plan.dockerfile, bytes: dockerfile },
  });
  return { tag, madeOn };
}

/** What Docker would take now, were it to build. */
async function lookUp(running: Running, names: string[]) {
  const { docker, builder, plan, registryClient: registry, signal } = running;
  const host = await describeDocker({ docker, builder, platform: plan.platform, signal });
  return { host, bases: await identifyBases({ docker, registry, host, signal }, names) };
}

function toMadeOn({ platform, builder }: DockerHost, bases: Record<string, Base>): MadeOn {
  const ids = Object.entries(bases).map(([name, { id }]) => [name, id]);
  return { platform, builder, bases: Object.fromEntries(ids) };
}

/** False when something moved while the build went on, which then took one or the other. */
export async function isStillOn(running: Running, { madeOn }: Fingerprint): Promise<boolean> {
  try {
    const { host, bases } = await lookUp(running, Object.keys(madeOn.bases));
    if (isDeepStrictEqual(toMadeOn(host, bases), madeOn)) return true;
    running.log.write('not kept for other builds: a base image changed meanwhile\n');
  } catch (error) {
    if (running.signal.aborted) throw running.signal.reason;
    running.log.write(`not kept for other builds: ${inOneLine(error)}\n`);
  }
  return false;
}

/** ONBUILD of a base can copy what it likes, and its ENV goes before an ARG of the same name. */
function addsToDockerfile(bases: Record<string, Base>, args: string[]): boolean {
  const all = Object.values(bases);
  if (all.some(({ onBuild }) => onBuild.length > 0)) {
    throw new Obstacle('a base image adds steps of its own (ONBUILD)');
  }
  return all.some(({ env }) => env.some((name) => args.includes(name)));
}

/** The image of this fingerprint; undefined also where the registry cannot be asked. */
export async function findMade(
  { registryClient, log }: Running,
  image: ImageName,
  { tag, madeOn }: Fingerprint,
): Promise<MadeImage | undefined> {
  const repository = parseImage(image.repository);
  if (repository === undefined) return undefined;
  try {
    const manifest = await registryClient.manifest(repository, tag);
    const imaging = { registry: registryClient, platform: madeOn.platform };
    const one = manifest && (await ofPlatform(imaging, repository, manifest));
    const digest = one && configDigest(one);
    const config = digest && (await registryClient.config(repository, digest));
    if (manifest === undefined || !config) return undefined;
    return { manifest, ports: tcpPorts(config.exposedPorts) };
  } catch (error) {
    if (!(error instanceof EkidenError)) throw error;
    log.write(`built anew: ${error.message}\n`);
    return undefined;
  }
}

/** How many builds back the commit is looked for that the image was made of. */
const recentBuilds = 100;

/** `nothing changed since 0123456789ab: image reused`. */
export async function sayReused({ build, builds }: Running, digest: string): Promise<string> {
  const { items } = await builds.list(build.project, { limit: recentBuilds });
  const made = items.findLast((other: Build) => other.image?.endsWith(`@${digest}`));
  const since = made === undefined ? '' : ` since ${shortSha(made.sha)}`;
  return `nothing changed${since}: image reused\n`;
}
