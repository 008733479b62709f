/** Starts the container of a scheduled instance: ports, sandbox, image, container. */
import pLimit from 'p-limit';
import { messageOf } from '../core/errors.ts';
import type { App } from './app-definition.ts';
import { taskIdOf } from './app-id.ts';
import type { Instance } from './cluster.ts';
import { allows } from './constraints.ts';
import { containerSpec, hostPortsWanted, sandboxFolders } from './container-spec.ts';
import type { Context } from './context.ts';
import { dockerMessage, type Started } from './docker-host.ts';
import type { Lifecycle } from './lifecycle.ts';
import { PortsTaken } from './ports.ts';

interface LauncherOptions extends Context {
  lifecycle: Lifecycle;
  /** For apps that name no image. */
  defaultImage: string;
  /** The container runs, or has already ended. */
  onRunning: (instance: Instance, app: App) => void;
}

/** More starts at a time make none of them faster on a small machine. */
const CONCURRENT_STARTS = 8;

/** Somebody else may take a dynamic port between the choice and the start. */
const PORT_ATTEMPTS = 5;

/** In the words of Marathon's queue. */
export type WaitReason = 'InsufficientPorts' | 'UnfulfilledConstraint';

interface Launch {
  attempt: Promise<void>;
  abandoned: AbortController;
}

interface Wanted {
  instance: Instance;
  app: App;
  /** Fires when it is not wanted any more. */
  abandoned: AbortSignal;
}

interface TaskToStart extends Wanted {
  image: string;
  sandbox: string;
}

export function createLauncher(options: LauncherOptions): Launcher {
  return new Launcher(options);
}

class Launcher {
  readonly #options: LauncherOptions;
  readonly #limit = pLimit(CONCURRENT_STARTS);
  readonly #launching = new Map<string, Launch>();
  readonly #waiting = new Map<string, WaitReason>();

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  isLaunching({ id }: Instance): boolean {
    return this.#launching.has(id);
  }

  /** Why a scheduled instance cannot start now, if something but its delay keeps it. */
  waitingFor({ id }: Instance): WaitReason | undefined {
    return this.#waiting.get(id);
  }

  /** Starts in the background; every way that it can end is told through the lifecycle. */
  launch(instance: Instance): void {
    const { cluster, log, touch } = this.#options;
    const app = cluster.definitionOf(instance);
    if (!app || this.#launching.has(instance.id)) return;
    if (!this.#isPlaceable(instance, app)) {
      this.#waiting.set(instance.id, 'UnfulfilledConstraint');
      return;
    }
    const abandoned = new AbortController();
    const attempt = this.#attempt(instance, app, abandoned.signal)
      .catch((error: unknown) => {
        log.error({ instance: instance.id, error: messageOf(error) }, 'a launch broke off');
      })
      .finally(() => {
        this.#launching.delete(instance.id);
        // A relaunch may be due already, and was passed over while this one was at work.
        if (!this.#waiting.has(instance.id)) touch(instance.appId);
      });
    this.#launching.set(instance.id, { attempt, abandoned });
  }

  /** Ends the wait for an image that is not wanted any more; true when a launch will see to its end. */
  abandon({ id }: Instance): boolean {
    this.#waiting.delete(id);
    const launch = this.#launching.get(id);
    launch?.abandoned.abort();
    return launch !== undefined;
  }

  /** Resolves when no launch is at work; after the signal none begins. */
  async idle(): Promise<void> {
    await Promise.all([...this.#launching.values()].map(({ attempt }) => attempt));
  }

  async #attempt(instance: Instance, app: App, abandoned: AbortSignal): Promise<void> {
    const { lifecycle, ports, onRunning, log, signal } = this.#options;
    if (signal.aborted) return;
    if (!(await this.#claimPorts(instance, app))) return;
    if (abandoned.aborted) return this.#drop(instance);
    lifecycle.staging(instance);
    try {
      const started = await this.#startContainer({ instance, app, abandoned });
      if (!started) return this.#drop(instance);
      lifecycle.running(instance, app, started);
      onRunning(instance, app);
    } catch (error) {
      // A launch that the engine's own end broke off is taken up at the next start.
      if (signal.aborted) return;
      if (abandoned.aborted) return this.#drop(instance);
      const message = dockerMessage(error);
      log.warn({ taskId: taskIdOf(instance), error: message }, 'a task did not start');
      ports.release(instance.ports);
      lifecycle.ended(instance, { state: 'TASK_FAILED', message });
    }
  }

  /** Only instances of the same configuration stand in each other's way, as in Marathon. */
  #isPlaceable(instance: Instance, app: App): boolean {
    if (!app.constraints) return true;
    const { cluster, host } = this.#options;
    const placed = [...cluster.record(app.id).instances.values()].filter(
      (other) =>
        other !== instance &&
        other.version >= app.versionInfo.lastConfigChangeAt &&
        (other.condition !== 'Scheduled' || this.#launching.has(other.id)),
    );
    return allows(app.constraints, { host, placed: placed.length });
  }

  /** False when a port is taken: the instance stays scheduled and is tried again later. */
  async #claimPorts(instance: Instance, app: App): Promise<boolean> {
    this.#waiting.delete(instance.id);
    try {
      instance.ports = await this.#options.ports.claim(hostPortsWanted(app));
      return true;
    } catch (error) {
      if (!(error instanceof PortsTaken)) throw error;
      this.#waiting.set(instance.id, 'InsufficientPorts');
      return false;
    }
  }

  #drop(instance: Instance): void {
    this.#options.ports.release(instance.ports);
    this.#options.lifecycle.ended(instance, {
      state: 'TASK_KILLED',
      message: 'killed before it ran',
    });
  }

  /** Undefined when the instance is not wanted any more. */
  async #startContainer(launch: Wanted): Promise<Started | undefined> {
    const { dockerHost, sandboxes } = this.#options;
    const { instance, app, abandoned } = launch;
    const docker = app.container?.docker;
    const image = docker?.image ?? this.#options.defaultImage;
    const bridged = app.networks.some(({ mode }) => mode === 'container/bridge');
    const [sandbox] = await Promise.all([
      sandboxes.create(taskIdOf(instance), sandboxFolders(app)),
      orAborted(dockerHost.ensureImage(image, docker?.forcePullImage ?? false), abandoned),
      bridged && dockerHost.ensureNetwork(),
    ]);
    return this.#limit(() => this.#createAndStart({ ...launch, image, sandbox }));
  }

  async #createAndStart(task: TaskToStart): Promise<Started | undefined> {
    const { dockerHost, signal } = this.#options;
    const { instance, app, abandoned } = task;
    for (let attempt = 1; !abandoned.aborted; attempt++) {
      signal.throwIfAborted();
      const containerId = await dockerHost.create(this.#specOf(task));
      try {
        const started = await dockerHost.start(containerId);
        if (!abandoned.aborted) return started;
        await dockerHost.remove(containerId);
      } catch (error) {
        await dockerHost.remove(containerId);
        if (dockerMessage(error).includes('network')) dockerHost.forgetNetwork();
        if (attempt === PORT_ATTEMPTS || !isPortConflict(error)) throw error;
        await this.#chooseOtherPorts(instance, app);
      }
    }
    return undefined;
  }

  #specOf(task: TaskToStart) {
    const { install, host, dockerHost } = this.#options;
    const { app, image, sandbox, instance } = task;
    const { ports } = instance;
    const taskId = taskIdOf(instance);
    const network = dockerHost.networkName;
    return containerSpec({ app, taskId, install, image, host, ports, sandbox, network });
  }

  async #chooseOtherPorts(instance: Instance, app: App): Promise<void> {
    const { ports } = this.#options;
    const previous = instance.ports;
    instance.ports = await ports.claim(hostPortsWanted(app));
    ports.release(previous);
  }
}

export type { Launcher };

function isPortConflict(error: unknown): boolean {
  return /port is already allocated|address already in use/.test(dockerMessage(error));
}

/** Rejects as soon as `signal` fires; the work itself goes on for others who wait for it. */
function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => reject(signal.reason);
    signal.addEventListener('abort', give, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
