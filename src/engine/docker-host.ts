/** The engine's view of one Docker daemon: images, its own network, and the containers of its tasks. */
import { addAbortSignal, type Readable } from 'node:stream';
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

export function createDockerHost(options: { docker: Docker; install: string }): DockerHost {
  return new DockerHost(options);
}

class DockerHost {
  readonly docker: Docker;
  /** The engine's own network for bridged tasks. */
  readonly networkName: string;
  readonly #install: string;
  readonly #pulls = new Map<string, Promise<void>>();
  #network: Promise<void> | undefined;

  constructor({ docker, install }: { docker: Docker; install: string }) {
    this.docker = docker;
    this.networkName = `ekiden-${install}`;
    this.#install = install;
  }

  /** Makes the network for bridged tasks when it is not there. */
  ensureNetwork(): Promise<void> {
    this.#network ??= this.#findOrCreateNetwork().catch((error: unknown) => {
      this.#network = undefined;
      throw error;
    });
    return this.#network;
  }

  /** To be called when Docker says that the network is gone. */
  forgetNetwork(): void {
    this.#network = undefined;
  }

  /** Pulls `image` where it is missing, or always when forced; tasks share a pull that runs. */
  async ensureImage(image: string, force: boolean): Promise<void> {
    const reference = fullReference(image);
    if (!force && (await this.#hasImage(reference))) return;
    let running = this.#pulls.get(reference);
    if (!running) {
      running = this.#pull(reference).finally(() => this.#pulls.delete(reference));
      this.#pulls.set(reference, running);
    }
    await running;
  }

  async create(spec: Docker.ContainerCreateOptions): Promise<string> {
    const container = await this.docker.createContainer(spec);
    return container.id;
  }

  async start(containerId: string): Promise<Started> {
    const container = this.docker.getContainer(containerId);
    await container.start();
    return describe(await container.inspect());
  }

  /** Undefined while the container runs. */
  async exitOf(containerId: string): Promise<Exit | 'gone' | undefined> {
    const info = await this.docker.getContainer(containerId).inspect().catch(unless(GONE));
    if (!info) return 'gone';
    if (info.State.Running || info.State.Status === 'created') return undefined;
    const { ExitCode, OOMKilled, Error: error } = info.State;
    return { code: ExitCode, outOfMemory: OOMKilled, error };
  }

  /** Asks to end with the image's stop signal, and kills after the grace period. */
  async stop(containerId: string, graceSeconds: number): Promise<void> {
    const container = this.docker.getContainer(containerId);
    await container.stop({ t: graceSeconds }).catch(unless(GONE, NOT_RUNNING));
  }

  async remove(containerId: string): Promise<void> {
    const container = this.docker.getContainer(containerId);
    await container.remove({ force: true, v: true }).catch(unless(GONE, BEING_REMOVED));
  }

  /** All containers of this install that a task made, in whatever state. */
  async list(): Promise<Found[]> {
    const filters = { label: [`${INSTALL_LABEL}=${this.#install}`, TASK_LABEL] };
    const containers = await this.docker.listContainers({ all: true, filters });
    return containers.map(({ Id, Labels, State }) => ({
      containerId: Id,
      taskId: Labels[TASK_LABEL] ?? '',
      running: State === 'running' || State === 'paused',
    }));
  }

  /** Follows the deaths of this install's containers until the stream ends or `signal` fires. */
  async watchDeaths(onDeath: (taskId: string) => void, signal: AbortSignal): Promise<void> {
    const label = [`${INSTALL_LABEL}=${this.#install}`];
    const filters = { label, type: ['container' as const], event: ['die'] };
    const stream = (await this.docker.getEvents({ filters })) as unknown as Readable;
    addAbortSignal(signal, stream);
    await readDeaths(stream, onDeath);
  }

  async #findOrCreateNetwork(): Promise<void> {
    const filters = { name: [`^${this.networkName}$`] };
    const found = await this.docker.listNetworks({ filters });
    if (found.length > 0) return;
    await this.docker.createNetwork({
      Name: this.networkName,
      CheckDuplicate: true,
      Labels: { [INSTALL_LABEL]: this.#install },
    });
  }

  #hasImage(reference: string): Promise<boolean> {
    const image = this.docker.getImage(reference);
    return image
      .inspect()
      .then(() => true, unless(GONE))
      .then(Boolean);
  }

  async #pull(reference: string): Promise<void> {
    const progress = await this.docker.pull(reference);
    await new Promise<void>((resolve, reject) => {
      this.docker.modem.followProgress(progress, (error: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
  }
}

export type { DockerHost };

/** Docker sends one JSON object a line; a line may come in pieces. */
async function readDeaths(stream: Readable, onDeath: (taskId: string) => void): Promise<void> {
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

const NOT_RUNNING = 304;
const GONE = 404;
const BEING_REMOVED = 409;

/** Lets the given answers of Docker pass for nothing. */
function unless(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === undefined || !statuses.includes(status)) throw error;
    return undefined;
  };
}

/** Docker's own words without the wrapping of its client. */
export function dockerMessage(error: unknown): string {
  const reason = (error as { json?: { message?: string } }).json?.message;
  return reason ?? messageOf(error);
}
