/** Builds what READMEs of fragments show, from base images made here, and starts it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import { createTemplates, expandDockerfile } from '../../src/build/dockerfile/index.ts';
import { connectDocker } from '../../src/clients/docker.ts';
import { packageFolder, templatesFolder } from '../../src/paths.ts';
import { freePort } from '../demo/free-ports.ts';
import { fencesOf } from '../docs/markdown.ts';
// @ts-expect-error The set-up is plain JavaScript, since it runs before there is a compiler.
import { createDockerApi } from '../setup/docker-api.js';
// @ts-expect-error The same.
import { ensureFragmentImages } from '../setup/fragment-images.js';

export const folder = join(templatesFolder, 'dockerfiles');
const install = process.env['EKIDEN_TEST_INSTALL'] ?? 'dev-fragments';
const templates = createTemplates(folder);

/** The Dockerfiles that a README shows, in their order. */
export function examplesOf(name: string): string[] {
  const readme = readFileSync(join(folder, name, 'README.md'), 'utf8');
  return fencesOf(readme, 'dockerfile').map(({ text }) => text);
}

export function expand(dockerfile: string) {
  const read = async (path: string) =>
    path === 'Dockerfile' ? Buffer.from(dockerfile) : undefined;
  return expandDockerfile({ file: 'Dockerfile', read, templates });
}

export type Workshop = Awaited<ReturnType<typeof openWorkshop>>;

/** As Docker numbers its builders. */
export const [classic, buildKit] = ['1', '2'] as const;
type BuilderVersion = typeof classic | typeof buildKit;

export async function openWorkshop() {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  const docker = connectDocker(host);
  const progress = { step: (_: string, work: () => unknown) => work() };
  const images: Record<string, string> = await ensureFragmentImages({
    ...{ api: createDockerApi(host), progress },
  });
  const bases = Object.entries(images).map(([name, image]) => [
    `${name.toUpperCase()}_IMAGE`,
    image,
  ]);
  const made: string[] = [];

  return {
    /** Builds without any network, with the files of the app of this name around the Dockerfile; answers the image. */
    async build(dockerfile: string, app: string, version: BuilderVersion): Promise<string> {
      const { bytes } = await expand(dockerfile);
      const name = `${install}-fragments:${app}-${version}-${made.length}`;
      const tar = pack();
      for (const [path, content] of filesOf(app)) tar.entry({ name: path }, content);
      tar.entry({ name: 'Dockerfile' }, bytes);
      tar.finalize();
      const stream = await docker.buildImage(Readable.from(tar), {
        ...{ t: name, version, networkmode: 'none', labels: { 'ekiden.install': install } },
        buildargs: Object.fromEntries(bases),
      });
      await new Promise<void>((resolve, reject) => {
        const ended = (error: Error | null, said: { error?: string; stream?: string }[] = []) => {
          const failure = error ?? said.find((line) => line.error)?.error;
          const output = said.map((line) => line.stream ?? '').join('');
          return failure ? reject(new Error(`${failure}\n${output}`)) : resolve();
        };
        docker.modem.followProgress(stream, ended);
      });
      made.push(name);
      return name;
    },
    /** Starts the image with a port of its own; the container goes with the test. */
    async start(image: string) {
      const port = await freePort();
      const container = await docker.createContainer({
        ...{ Image: image, Env: [`PORT=${port}`], Labels: { 'ekiden.install': install } },
        HostConfig: { NetworkMode: 'host', Memory: 512 * 1024 * 1024 },
      });
      onTestFinished(() => container.remove({ force: true }));
      await container.start();
      return { container, url: `http://127.0.0.1:${port}/` };
    },
    async logsOf(container: { logs(options: object): Promise<Buffer> }): Promise<string> {
      return (await container.logs({ stdout: true, stderr: true })).toString();
    },
    inspect: (image: string) => docker.getImage(image).inspect(),
    async stop() {
      for (const name of made) await docker.getImage(name).remove({ force: true });
    },
  };
}

function filesOf(app: string): [string, Buffer][] {
  const root = join(packageFolder, 'test/fixtures/fragments', app);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(root.length + 1), readFileSync(path)]);
}
