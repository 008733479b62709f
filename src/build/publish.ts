/** Brings the image of a build to the registry, under the names of its commit and its ref. */

import { pushImage } from './image/image.ts';
import { refTag, repositoryOf, shaTag } from './image/image-name.ts';
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

/** Pushes the image under its tags; answers its digest. */
export async function publish(running: Running, image: ImageName): Promise<string> {
  const { docker, log, signal } = running;
  const { repository, tag } = image;
  const write = (text: string) => log.write(text);
  const digest = await pushImage({ docker, repository, tag, write, signal });
  await pushRefTag(running, image);
  return digest;
}

/** The branch's or tag's name leads to its newest image. */
async function pushRefTag(running: Running, { repository, name }: ImageName): Promise<void> {
  const { build, docker, log, signal } = running;
  const tag = refTag(build.ref);
  await docker.getImage(name).tag({ repo: repository, tag });
  await pushImage({ docker, repository, tag, write: (text) => log.write(text), signal });
}
