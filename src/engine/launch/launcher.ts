/** Starts the container of a scheduled instance: ports, sandbox, image, container. */
import pLimit from 'p-limit';
import { EkidenError, messageOf } from '../../core/errors.ts';
import type { App } from '../apps/app-definition.ts';
import { taskIdOf } from '../apps/app-id.ts';
import type { Context } from '../context.ts';
import { dockerMessage, isAway, type Started } from '../docker/docker-host.ts';
import { topLevelOf } from '../groups/group.ts';
import type { Instance } from '../state/cluster.ts';
import type { Lifecycle } from '../tasks/lifecycle.ts';
import { containerSpec, hostPortsWanted } from './container-spec.ts';
import { createMatcher, type Matcher } from './matcher.ts';
import { PortsTaken } from './ports.ts';
import {
  createProvisioner,
  type Provisioner,
  type ProvisionerOptions,
  type Provisions,
} from './provisioner.ts';

interface LauncherOptions extends Context, ProvisionerOptions {
  lifecycle: Lifecycle;
  /** The container runs, or has already ended. */
  onRunning: (instance: Instance, app: App) => void;
}

/** More starts at a time make none of them faster on a small machine. */
const CONCURRENT_STARTS = 8;

/** Somebody else may take a dynamic port between the choice and the start. */
const PORT_ATTEMPTS = 5;

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

interface TaskToStart extends Wanted, Provisions {}

export function createLauncher(options: LauncherOptions): Launcher {
  return new Launcher(options);
}

class Launcher {
  readonly #options: LauncherOptions;
  readonly #limit = pLimit(CONCURRENT_STARTS);
  readonly #launching = new Map<string, Launch>();
  readonly #matcher: Matcher;
  readonly #provisioner: Provisioner;
  /** Apps by the ids of their instances that the node could not take. */
  readonly #waiting = new Map<string, string>();

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#provisioner = createProvisioner(options);
    this.#matcher = createMatcher({ ...options, isLaunching: (one) => this.isLaunching(one) });
  }

  isLaunching({ id }: Instance): boolean {
    return this.#launching.has(id);
  }

  /** To be called when a task has ended: what waits for room may have it now. */
  roomCame(): void {
    for (const appId of new Set(this.#waiting.values())) this.#options.touch(appId);
  }

  /**
   * Starts in the background; every way that it can end is told through the lifecycle. False when
   * the node cannot take the instance now.
   */
  launch(instance: Instance): boolean {
    const { cluster, log, touch } = this.#options;
    const app = cluster.definitionOf(instance);
    if (!app || this.#launching.has(instance.id)) return true;
    if (!this.#matcher.fits(instance, app)) {
      this.#waiting.set(instance.id, app.id);
      return false;
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
    return true;
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
    const isReady =
      (await this.#findsDocker(instance, app)) && (await this.#claimPorts(instance, app));
    if (abandoned.aborted) return this.#drop(instance);
    if (!isReady || signal.aborted) return;
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
      if (isImageMissing(error)) this.#matcher.decline(app, 'ImageUnavailable');
    }
  }

  /** False while Docker is away: the instance stays scheduled and is tried again once it is back. */
  async #findsDocker(instance: Instance, app: App): Promise<boolean> {
    if (await this.#options.dockerHost.isReached()) return true;
    this.#waiting.set(instance.id, app.id);
    this.#matcher.decline(app, 'DockerUnavailable');
    return false;
  }

  /** False when a port is taken: the instance stays scheduled and is tried again later. */
  async #claimPorts(instance: Instance, app: App): Promise<boolean> {
    this.#waiting.delete(instance.id);
    try {
      instance.ports = await this.#options.ports.claim(hostPortsWanted(app));
      this.#matcher.taken(app);
      return true;
    } catch (error) {
      if (!(error instanceof PortsTaken)) throw error;
      this.#waiting.set(instance.id, app.id);
      this.#matcher.decline(app, 'InsufficientPorts');
      return false;
    }
  }

  #drop(instance: Instance): void {
    this.#waiting.delete(instance.id);
    this.#options.ports.release(instance.ports);
    this.#options.lifecycle.ended(instance, {
      state: 'TASK_KILLED',
      message: 'killed before it ran',
    });
  }

  /** Undefined when the instance is not wanted any more. */
  async #startContainer(launch: Wanted): Promise<Started | undefined> {
    const { instance, app, abandoned } = launch;
    const taskId = taskIdOf(instance);
    const provisions = await this.#provisioner.provide(taskId, app, abandoned);
    return this.#limit(() => this.#createAndStart({ ...launch, ...provisions }));
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
    const { install, frameworkId, host, dockerHost, cluster } = this.#options;
    const { app, image, sandbox, instance } = task;
    return containerSpec({
      ...{ app, image, sandbox, install, frameworkId, host },
      taskId: taskIdOf(instance),
      ports: instance.ports,
      network: dockerHost.networkName,
      enforcesRole: cluster.groups.get(topLevelOf(app.id))?.enforceRole === true,
    });
  }

  async #chooseOtherPorts(instance: Instance, app: App): Promise<void> {
    const { ports, cluster } = this.#options;
    const previous = instance.ports;
    instance.ports = await ports.claim(hostPortsWanted(app));
    ports.release(previous);
    cluster.changed(app.id);
  }
}

export type { Launcher };

function isImageMissing(error: unknown): boolean {
  return error instanceof EkidenError && error.code === 'E_ENGINE_IMAGE' && !isAway(error.cause);
}

function isPortConflict(error: unknown): boolean {
  return /port is already allocated|address already in use/.test(dockerMessage(error));
}
