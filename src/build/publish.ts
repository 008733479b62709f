/** Brings the image of a build to the registry, under the names of its commit, its ref and its fingerprint. */

import type { Manifest } from '../clients/registry.ts';
import { EkidenError, RemoteError } from '../core/errors.ts';
import { parseImage } from '../core/image-reference.ts';
import { refTag, repositoryOf, shaTag } from './image/image-name.ts';
import { tagImage } from './image/made-image.ts';
import { pushImage } from './image/push.ts';
import type { Running } from './making.ts';

export interface ImageName {
  repository: string;
  tag: string;
  /** `repository:tag`. */
  name: string;
}

/** What the image of a build is called. */
export function nameOf({ build, registry }: Running): ImageName {
  const repository = repositoryOf(registry, build.projectPath ?? String(build.project));
  const tag = shaTag(build.sha);
  return { repository, tag, name: `${repository}:${tag}` };
}

/** Pushes the image and gives it its other names; answers its digest. */
export async function publish(
  running: Running,
  image: ImageName,
  fingerprint: string | undefined,
): Promise<string> {
  const { docker, log, registryLogin: login, signal } = running;
  const { repository, tag } = image;
  const write = (text: string) => log.write(text);
  const pushing = { docker, repository, write, signal, ...(login ? { login } : {}) };
  const digest = await pushImage({ ...pushing, tag }).catch((error: unknown) =>
    explainPush(running, image, error),
  );
  signal.throwIfAborted();
  const ref = refTag(running.build.ref);
  // Here too, so that the next build of the ref finds its layers.
  await tagImage(docker, image.name, { repo: repository, tag: ref });
  try {
    await nameManifest(running, image, { digest, fingerprint });
  } catch (error) {
    if (!(error instanceof EkidenError) || signal.aborted) throw error;
    // Docker may know a login or a certificate that Ekiden does not.
    log.write(`not kept for other builds: ${error.message}\n`);
    await inTurn(running, image, async (tags) => {
      for (const tag of tags) {
        // A build that ended since may have given it to its own image here.
        await tagImage(docker, image.name, { repo: repository, tag });
        await pushImage({ ...pushing, tag });
      }
    });
  }
  return digest;
}

/** Docker keeps to itself what a registry says of a disk that is full, so it is asked once more. */
async function explainPush(
  { registryClient }: Running,
  image: ImageName,
  error: unknown,
): Promise<never> {
  const repository = parseImage(image.repository);
  if (!(error instanceof RemoteError) || error.code !== 'E_REGISTRY' || !repository) throw error;
  const cause = await registryClient.tryUpload(repository).catch((refusal: unknown) => refusal);
  if (!(cause instanceof RemoteError) || cause.code !== 'E_REGISTRY_FULL') throw error;
  const { code, hint = '' } = cause;
  const text = `The registry did not take ${image.name}: ${cause.message}`;
  throw new RemoteError(text, { code, hint, cause: error });
}

interface Pushed {
  digest: string;
  fingerprint: string | undefined;
}

async function nameManifest(running: Running, image: ImageName, { digest, fingerprint }: Pushed) {
  const repository = parseImage(image.repository);
  const manifest = repository && (await running.registryClient.manifest(repository, digest));
  if (manifest === undefined) {
    throw new RemoteError(`The registry does not show ${digest}, which was just pushed.`, {
      code: 'E_REGISTRY',
    });
  }
  await giveTags(running, image, {
    manifest,
    tags: fingerprint === undefined ? [] : [fingerprint],
  });
}

/** Gives an image that the registry holds more tags, and that of the ref, where the build still holds the ref. */
export async function giveTags(
  running: Running,
  image: ImageName,
  { manifest, tags }: { manifest: Manifest; tags: string[] },
): Promise<void> {
  const { registryClient } = running;
  const repository = parseImage(image.repository);
  if (repository === undefined) return;
  await inTurn(running, image, async (own) => {
    // One after the other, so that none is still under way when another fails and the turn ends.
    for (const tag of [...tags, ...own]) {
      await registryClient.putManifest(repository, tag, manifest);
    }
  });
}

/**
 * Shows `work` the tag of the ref, where the build still holds the ref. One after the other in a repository:
 * an older build must not have the last word about a ref, and nothing may be cleaned away in between.
 */
async function inTurn(
  { build, heads, exclusively, signal }: Running,
  image: ImageName,
  work: (own: string[]) => Promise<unknown>,
): Promise<void> {
  await exclusively(`images:${image.repository}`, async () => {
    const head = await heads.current(build.project, build.ref);
    // The turn may have come late, and a build that has ended must not move a tag.
    signal.throwIfAborted();
    await work(head?.build === build.id ? [refTag(build.ref)] : []);
  });
}
