/** Finds out whether the image of a build is made already, without the archive and without a build. */

import type { Manifest } from '../../clients/registry.ts';
import type { Build, SourceRun } from '../../core/build.ts';
import { EkidenError, messageOf } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { shortSha } from '../../core/ref.ts';
import { visiblePaths } from '../context/visible.ts';
import { namedImages } from '../dockerfile/index.ts';
import type { Running } from '../making.ts';
import type { ImageName } from '../publish.ts';
import { type Base, configDigest, identifyBases } from './bases.ts';
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
  platform: string;
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
    const isKnown = error instanceof Obstacle || error instanceof EkidenError;
    running.log.write(`built anew: ${isKnown ? messageOf(error) : 'Docker does not answer'}\n`);
    return undefined;
  }
}

async function computeFingerprint(running: Running, recipe: Recipe): Promise<Fingerprint> {
  const { build, plan, gitlab } = running;
  const { dockerfile, args, labels } = recipe;
  const obstacle = obstacleIn(dockerfile);
  if (obstacle !== undefined) throw new Obstacle(obstacle);
  const { context, target } = plan;
  const commit = { gitlab, context, project: build.project, sha: build.sha };
  // GitLab needs the longest, and is not waited for before Docker is asked.
  const listing = listContext(commit);
  listing.catch(() => undefined);
  const platform = plan.platform ?? (await ownPlatform(running));
  const bases = await basesOf(running, platform, namedImages(dockerfile, args));
  const visible = visiblePaths(dockerfile, { args, target });
  const isSure = !addsToDockerfile(bases, visible.all ? [] : visible.args);
  const entries = await visibleEntries({
    ...{ ...commit, listing },
    dockerfile: plan.dockerfile,
    visible: isSure ? visible : { all: true },
  });
  const ids = idsOf(bases);
  const tag = fingerprintOf({
    ...{ args, labels, target, platform, context, entries },
    dockerfile: { path: plan.dockerfile, bytes: dockerfile },
    bases: ids,
  });
  return { tag, platform, bases: ids };
}

function basesOf({ docker, registryClient }: Running, platform: string, names: string[]) {
  return identifyBases({ docker, registry: registryClient, platform }, names);
}

function idsOf(bases: Record<string, Base>): Record<string, string> {
  return Object.fromEntries(Object.entries(bases).map(([name, { id }]) => [name, id]));
}

/** False when a name led to another base image while the build went on, which then took one or the other. */
export async function isStillOn(
  running: Running,
  { bases, platform }: Fingerprint,
): Promise<boolean> {
  try {
    const now = idsOf(await basesOf(running, platform, Object.keys(bases)));
    return Object.entries(bases).every(([name, id]) => now[name] === id);
  } catch {
    return false;
  }
}

/** ONBUILD of a base can copy what it likes, and its ENV goes before an ARG of the same name. */
function addsToDockerfile(bases: Record<string, Base>, args: string[]): boolean {
  const all = Object.values(bases);
  if (all.some(({ onBuild }) => onBuild.length > 0)) {
    throw new Obstacle('a base image adds steps of its own (ONBUILD)');
  }
  return all.some(({ env }) => env.some((name) => args.includes(name)));
}

async function ownPlatform({ docker }: Running): Promise<string> {
  const { Os, Arch } = await docker.version();
  return `${Os}/${Arch}`;
}

/** The image of this fingerprint; undefined also where the registry cannot be asked. */
export async function findMade(
  { registryClient, log }: Running,
  image: ImageName,
  { tag }: Fingerprint,
): Promise<MadeImage | undefined> {
  const repository = parseImage(image.repository);
  if (repository === undefined) return undefined;
  try {
    const manifest = await registryClient.manifest(repository, tag);
    const digest = manifest && configDigest(manifest);
    const config = digest && (await registryClient.config(repository, digest));
    if (manifest === undefined || !config) return undefined;
    return { manifest, ports: tcpPorts(config.exposedPorts) };
  } catch (error) {
    if (!(error instanceof EkidenError)) throw error;
    log.write(`built anew: ${error.message}\n`);
    return undefined;
  }
}

function tcpPorts(exposed: string[]): number[] {
  return exposed
    .filter((port) => port.endsWith('/tcp'))
    .map((port) => Number.parseInt(port, 10))
    .sort((a, b) => a - b);
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
