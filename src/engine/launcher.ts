/** Starts the container of a scheduled instance: ports, sandbox, image, container, output. */
import pLimit from 'p-limit';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { App } from './app-definition.ts';
import { taskIdOf } from './app-id.ts';
import type { Cluster, Instance } from './cluster.ts';
import { containerSpec, hostPortsWanted, sandboxFolders } from './container-spec.ts';
import { type DockerHost, dockerMessage, type Started } from './docker-host.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type PortAllocator, PortsTaken } from './ports.ts';
import type { Sandboxes } from './sandbox.ts';

interface LauncherOptions {
  cluster: Cluster;
  lifecycle: Lifecycle;
  dockerHost: DockerHost;
  ports: PortAllocator;
  sandboxes: Sandboxes;
  install: string;
  host: string;
  /** For apps that name no image. */
  defaultImage: string;
  log: Log;
  /** The container runs, or ran: follow its output and its health. */
  onRunning: (instance: Instance, app: App) => void;
}

export type Launcher = ReturnType<typeof createLauncher>;

/** More starts at a time make none of them faster on a small machine. */
const CONCURRENT_STARTS = 8;

/** Somebody else may take a dynamic port between the choice and the start. */
const PORT_ATTEMPTS = 5;

export function createLauncher(options: LauncherOptions) {
  const { cluster, lifecycle, dockerHost, ports, sandboxes, log, onRunning } = options;
  const limit = pLimit(CONCURRENT_STARTS);
  /** Instances whose launch is at work; the value says why one waits. */
  const launching = new Set<string>();
  const waiting = new Map<string, string>();

  async function launch(instance: Instance, app: App): Promise<void> {
    try {
      instance.ports = await ports.claim(hostPortsWanted(app));
    } catch (error) {
      if (!(error instanceof PortsTaken)) throw error;
      waiting.set(instance.id, messageOf(error));
      return;
    }
    waiting.delete(instance.id);
    if (isUnwanted(instance)) return endUnstarted(instance);
    lifecycle.staging(instance);
    try {
      const started = await startContainer(instance, app);
      if (!started) return endUnstarted(instance);
      lifecycle.running(instance, app, started);
      onRunning(instance, app);
    } catch (error) {
      log.warn({ taskId: taskIdOf(instance), error: dockerMessage(error) }, 'task did not start');
      ports.release(instance.ports);
      lifecycle.ended(instance, { state: 'TASK_FAILED', message: dockerMessage(error) });
    }
  }

  function endUnstarted(instance: Instance): void {
    ports.release(instance.ports);
    lifecycle.ended(instance, { state: 'TASK_KILLED', message: 'killed before it ran' });
  }

  /** Undefined when the instance is not wanted any more. */
  async function startContainer(instance: Instance, app: App): Promise<Started | undefined> {
    const docker = app.container?.docker;
    const image = docker?.image ?? options.defaultImage;
    const [sandbox] = await Promise.all([
      sandboxes.create(taskIdOf(instance), sandboxFolders(app)),
      dockerHost.ensureImage(image, docker?.forcePullImage ?? false),
      app.networks.some(({ mode }) => mode === 'container/bridge') && dockerHost.ensureNetwork(),
    ]);
    for (let attempt = 1; ; attempt++) {
      if (isUnwanted(instance)) return undefined;
      const containerId = await dockerHost.create(
        containerSpec({
          app,
          taskId: taskIdOf(instance),
          install: options.install,
          image,
          host: options.host,
          ports: instance.ports,
          sandbox,
          network: dockerHost.networkName,
        }),
      );
      try {
        if (!isUnwanted(instance)) return await dockerHost.start(containerId);
        await dockerHost.remove(containerId);
        return undefined;
      } catch (error) {
        await dockerHost.remove(containerId);
        if (dockerMessage(error).includes('network')) dockerHost.forgetNetwork();
        if (attempt === PORT_ATTEMPTS || !isPortConflict(error)) throw error;
        await chooseOtherPorts(instance, app);
      }
    }
  }

  async function chooseOtherPorts(instance: Instance, app: App): Promise<void> {
    const previous = instance.ports;
    instance.ports = await ports.claim(hostPortsWanted(app));
    ports.release(previous);
  }

  return {
    isLaunching: (instance: Instance): boolean => launching.has(instance.id),

    /** Why a scheduled instance cannot start now, if something but its delay keeps it. */
    waitingFor: (instance: Instance): string | undefined => waiting.get(instance.id),

    /** Starts in the background; every way that it can end is told through the lifecycle. */
    launch: (instance: Instance): void => {
      const app = cluster.definitionOf(instance);
      if (!app || launching.has(instance.id)) return;
      launching.add(instance.id);
      limit(launch, instance, app)
        .catch((error: unknown) => {
          log.error({ instance: instance.id, error: messageOf(error) }, 'launch broke off');
        })
        .finally(() => launching.delete(instance.id));
    },
  };
}

function isUnwanted(instance: Instance): boolean {
  return instance.goal === 'Decommissioned';
}

function isPortConflict(error: unknown): boolean {
  return /port is already allocated|address already in use/.test(dockerMessage(error));
}
