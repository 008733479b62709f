/** The engine's view of one Docker daemon: images, its own network, and the containers of its tasks. */
import type { Readable } from 'node:stream';
import type { Docker } from '../clients/docker.ts';
import { messageOf } from '../core/errors.ts';
import { INSTALL_LABEL, TASK_LABEL } from './container-spec.ts';

/** A container of this install; `taskId` is empty for one that no task made. */
export interface Found {
  containerId: string;
  taskId: string;
  running: boolean;
}

export interface Started {
  containerId: string;
  pid: number;
  ipAddress: string;
}

/** How a container ended. */
export interface Exit {
  code: number;
  outOfMemory: boolean;
  error: string;
}

export type DockerHost = ReturnType<typeof createDockerHost>;

export function createDockerHost({ docker, install }: { docker: Docker; install: string }) {
  const networkName = `ekiden-${install}`;
  const pulls = new Map<string, Promise<void>>();
  const mine = { label: [`${INSTALL_LABEL}=${install}`] };
  let network: Promise<void> | undefined;

  async function findOrCreateNetwork(): Promise<void> {
    const filters = { name: [`^${networkName}$`] };
    const found = await docker.listNetworks({ filters });
    if (found.length > 0) return;
    await docker.createNetwork({
      Name: networkName,
      CheckDuplicate: true,
      Labels: { [INSTALL_LABEL]: install },
    });
  }

  async function hasImage(reference: string): Promise<boolean> {
    return docker
      .getImage(reference)
      .inspect()
      .then(() => true, missing(false));
  }

  async function pull(reference: string): Promise<void> {
    const progress = await docker.pull(reference);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  return {
    docker,
    networkName,

    /** Makes the network for bridged tasks when it is not there. */
    ensureNetwork: (): Promise<void> => {
      network ??= findOrCreateNetwork().catch((error: unknown) => {
        network = undefined;
        throw error;
      });
      return network;
    },

    /** To be called when Docker says that the network is gone. */
    forgetNetwork: (): void => {
      network = undefined;
    },

    /** Pulls `image` where it is missing, or always when forced; tasks share a pull that runs. */
    ensureImage: async (image: string, force: boolean): Promise<void> => {
      const reference = fullReference(image);
      if (!force && (await hasImage(reference))) return;
      let running = pulls.get(reference);
      if (!running) {
        running = pull(reference).finally(() => pulls.delete(reference));
        pulls.set(reference, running);
      }
      await running;
    },

    create: async (spec: Docker.ContainerCreateOptions): Promise<string> => {
      const container = await docker.createContainer(spec);
      return container.id;
    },

    start: async (containerId: string): Promise<Started> => {
      const container = docker.getContainer(containerId);
      await container.start();
      return describe(await container.inspect());
    },

    describe: async (containerId: string): Promise<Started> =>
      describe(await docker.getContainer(containerId).inspect()),

    /** Undefined while the container runs. */
    exitOf: async (containerId: string): Promise<Exit | 'gone' | undefined> => {
      const info = await docker.getContainer(containerId).inspect().catch(missing(undefined));
      if (!info) return 'gone';
      if (info.State.Running || info.State.Status === 'created') return undefined;
      const { ExitCode, OOMKilled, Error: error } = info.State;
      return { code: ExitCode, outOfMemory: OOMKilled, error };
    },

    /** Asks to end with the image's stop signal, and kills after the grace period. */
    stop: async (containerId: string, graceSeconds: number): Promise<void> => {
      await docker.getContainer(containerId).stop({ t: graceSeconds }).catch(missing(undefined));
    },

    remove: async (containerId: string): Promise<void> => {
      await docker
        .getContainer(containerId)
        .remove({ force: true, v: true })
        .catch(missing(undefined));
    },

    /** All containers of this install that a task made, in whatever state. */
    list: async (): Promise<Found[]> => {
      const filters = { label: [...mine.label, TASK_LABEL] };
      const containers = await docker.listContainers({ all: true, filters });
      return containers.map(({ Id, Labels, State }) => ({
        containerId: Id,
        taskId: Labels[TASK_LABEL] ?? '',
        running: State === 'running' || State === 'paused',
      }));
    },

    /** Follows the deaths of this install's containers until the stream ends or breaks. */
    watchDeaths: async (onDeath: (taskId: string) => void, signal: AbortSignal): Promise<void> => {
      const filters = { ...mine, type: ['container' as const], event: ['die'] };
      const stream = await docker.getEvents({ filters });
      const close = () => (stream as unknown as Readable).destroy();
      signal.addEventListener('abort', close, { once: true });
      try {
        await readDeaths(stream, onDeath);
      } finally {
        signal.removeEventListener('abort', close);
      }
    },
  };
}

/** Docker sends one JSON object a line; a line may come in pieces. */
async function readDeaths(
  stream: NodeJS.ReadableStream,
  onDeath: (taskId: string) => void,
): Promise<void> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      const event = JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } };
      const taskId = event.Actor?.Attributes?.[TASK_LABEL];
      if (taskId) onDeath(taskId);
    }
  }
}

function describe(info: Docker.ContainerInspectInfo): Started {
  const networks = Object.values(info.NetworkSettings.Networks ?? {});
  const ipAddress = networks.map(({ IPAddress }) => IPAddress).find(Boolean) ?? '';
  return { containerId: info.Id, pid: info.State.Pid, ipAddress };
}

/** Without a tag Docker would pull every tag that there is. */
export function fullReference(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? image : `${image}:latest`;
}

/** Turns Docker's 404 (and 304, 409 for what ends already) into a value. */
function missing<T>(value: T): (error: unknown) => T {
  return (error) => {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === 404 || status === 304 || status === 409) return value;
    throw error;
  };
}

/** Docker's own words without the wrapping of its client. */
export function dockerMessage(error: unknown): string {
  const reason = (error as { json?: { message?: string } }).json?.message;
  return reason ?? messageOf(error);
}
