/** The engine's view of one Docker daemon: its own network, and the containers of its tasks. */
import { addAbortSignal, type Readable } from 'node:stream';
import type { Docker } from '../../clients/docker.ts';
import { messageOf } from '../../core/errors.ts';
import { FRAMEWORK_LABEL, INSTALL_LABEL, TASK_LABEL } from '../launch/container-spec.ts';

/** A container of this install; `taskId` is empty for one that no task made. */
export interface Found {
  containerId: string;
  taskId: string;
  /** Which engine made it; empty where that was one that did not tell. */
  frameworkId: string;
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

  /** False while nothing answers at the daemon's address. */
  async isReached(): Promise<boolean> {
    return this.docker.ping().then(
      () => true,
      (error: unknown) => !isAway(error),
    );
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

  /** Undefined unless the container runs. */
  async startedOf(containerId: string): Promise<Started | undefined> {
    const info = await this.docker.getContainer(containerId).inspect().catch(unless(GONE));
    return info?.State.Running ? describe(info) : undefined;
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
      frameworkId: Labels[FRAMEWORK_LABEL] ?? '',
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
    const wanted = { Name: this.networkName, Labels: { [INSTALL_LABEL]: this.#install } };
    // Another engine of this install may have made it a moment ago.
    await this.docker.createNetwork({ ...wanted, CheckDuplicate: true }).catch(unless(TAKEN));
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

const NOT_RUNNING = 304;
const GONE = 404;
const BEING_REMOVED = 409;
const TAKEN = 409;

/** Lets the given answers of Docker pass for nothing. */
export function unless(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === undefined || !statuses.includes(status)) throw error;
    return undefined;
  };
}

/** The daemon was not there to be asked, so it has done nothing. */
export function isAway(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.syscall === 'connect';
}

/** Docker's own words without the wrapping of its client, or that it is away. */
export function dockerMessage(error: unknown): string {
  if (isAway(error)) {
    return `Docker does not answer: ${messageOf(error)}`;
  }
  const reason = (error as { json?: { message?: string } }).json?.message;
  return (
    reason ??
    messageOf(error)
      .replace(/^\(HTTP code \d+\) .*? - /, '')
      .trim()
  );
}
