/** A private registry and a Docker daemon for tests of builds; what they make goes with them. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { connectDocker, type Docker } from '../../src/clients/docker.ts';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { freePort } from '../demo/free-ports.ts';

export interface BuildHost {
  docker: Docker;
  /** `host:port` of the registry. */
  registry: string;
  /** Name of this run; every image and container is labelled `ekiden.install=<install>`. */
  install: string;
  labels: Record<string, string>;
  /** How a Dockerfile begins here, in two lines: so all that comes of it can be found. */
  from: string;
  /** Ids of containers that builds of this host left behind. */
  containers(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startBuildHost(): Promise<BuildHost> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'build-host-'));
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const install = process.env['EKIDEN_TEST_INSTALL'] ?? 'dev-build';
  const registry = `127.0.0.1:${await freePort()}`;
  const running = await startRegistry({
    ...{ data, install, log: silent },
    env: childEnvironment(),
    listen: registry,
  });
  const mine = crypto.randomUUID();
  const base = process.env['EKIDEN_TEST_BUSYBOX'] ?? 'busybox:1.36';
  const labels = { 'ekiden.install': install, 'ekiden.test': mine };
  const filters = { label: [`ekiden.test=${mine}`] };
  return {
    ...{ docker, registry, install, labels },
    from: `FROM ${base}\nLABEL ekiden.test=${mine} ekiden.install=${install}`,
    async containers() {
      return (await docker.listContainers({ all: true, filters })).map(({ Id }) => Id);
    },
    async stop() {
      try {
        const images = await docker.listImages({ all: true });
        const ours = images.filter(
          ({ RepoTags, Labels }) =>
            Labels?.['ekiden.test'] === mine || RepoTags?.some((tag) => tag.startsWith(registry)),
        );
        for (const { Id } of ours) {
          // Of a chain of layers, the last one takes its parents along.
          await docker
            .getImage(Id)
            .remove({ force: true })
            .catch(() => undefined);
        }
      } finally {
        await running.stop();
        await rm(data, { recursive: true, force: true });
      }
    },
  };
}

/** An archive as GitLab sends it: all files below one folder. */
export function archiveOf(files: Record<string, string | Buffer>): Readable {
  const packing = pack();
  for (const [name, content] of Object.entries(files)) {
    packing.entry({ name: `app-main/${name}` }, content);
  }
  packing.finalize();
  return Readable.from(packing);
}

/** Processes of this machine whose command line holds `mark`: what a RUN started runs here as well. */
export async function commandsWith(mark: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(mark));
}
