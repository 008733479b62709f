/** Images of one small file, made for a test in a moment and without a build. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Docker } from '../../src/clients/docker.ts';

interface TinyImage {
  docker: Docker;
  /** `repository:tag`. */
  name: string;
  /** As in a Dockerfile, such as `EXPOSE 8080`. */
  changes?: string[];
  /** What the file holds; by default no two images are alike. */
  content?: string | Buffer;
}

/** Makes the image; answers its id. */
export async function makeTiny(image: TinyImage): Promise<string> {
  const { docker, name, changes = [], content = crypto.randomUUID() } = image;
  const { repo, tag } = splitName(name);
  const archive = pack();
  archive.entry({ name: 'file' }, content);
  archive.finalize();
  const answer = await docker.importImage(Readable.from(archive), { repo, tag, changes });
  await drain(answer);
  return (await docker.getImage(name).inspect()).Id;
}

/** Makes and pushes the image; answers its id. */
export async function pushTiny(image: TinyImage): Promise<string> {
  const id = await makeTiny(image);
  const { tag } = splitName(image.name);
  await drain(await image.docker.getImage(image.name).push({ tag, authconfig: {} }));
  return id;
}

function splitName(name: string) {
  const colon = name.lastIndexOf(':');
  return { repo: name.slice(0, colon), tag: name.slice(colon + 1) };
}

async function drain(answer: NodeJS.ReadableStream): Promise<void> {
  await pipeline(answer, async (chunks) => {
    let said = '';
    for await (const chunk of chunks) said += String(chunk);
    if (said.includes('"error"')) throw new Error(said);
  });
}
