/** The engine: a Marathon-compatible REST server over one Docker host; the only place where its parts meet. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectDocker } from '../clients/docker.ts';
import { messageOf } from '../core/errors.ts';
import { type Log, silent } from '../core/log.ts';
import type { App } from './app-definition.ts';
import { taskIdOf } from './app-id.ts';
import { createAppWrites } from './app-writes.ts';
import type { Cluster, Instance } from './cluster.ts';
import { createDeployments } from './deployments.ts';
import { createDockerHost } from './docker-host.ts';
import { createEventStream } from './event-stream.ts';
import { createHealthMonitor } from './health-monitor.ts';
import { createLaunchDelays } from './launch-delays.ts';
import { createLauncher } from './launcher.ts';
import { createLifecycle } from './lifecycle.ts';
import { followOutput } from './output.ts';
import { createPortAllocator } from './ports.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import { createSandboxes } from './sandbox.ts';
import { openCluster } from './saved-state.ts';
import { startServer } from './server.ts';
import { createStore } from './store.ts';
import { createSupervisor } from './supervisor.ts';
import { createTaskKills } from './task-kills.ts';
import { createTerminator } from './terminator.ts';
import { createVersionClock } from './version-clock.ts';

export interface EngineOptions {
  /** `host:port`; port 0 takes a free one. */
  listen: string;
  /** Folder for the state and the sandboxes. */
  data: string;
  /** As DOCKER_HOST is written. */
  docker: string;
  /** Marks everything that the engine makes in Docker, and only what bears it is ever touched. */
  install: string;
  /** For apps that name no image. */
  image?: string;
  /** How long a killed task goes on serving before it is asked to end. */
  drainSeconds?: number;
  /** The address of instances, as balancers reach them. */
  host?: string;
  /** Host ports that tasks get, both ends included. */
  ports?: { from: number; to: number };
  log?: Log;
}

export interface RunningEngine {
  url: string;
  /** Ends the listening, the streams and the checks; containers go on running. */
  stop(): Promise<void>;
}

const DEFAULTS = {
  image: 'busybox:latest',
  drainSeconds: 5,
  host: '127.0.0.1',
  ports: { from: 31_000, to: 32_000 },
};

/** Starts an engine; resolves when it listens and has adopted what already runs. */
export async function startEngine(given: EngineOptions): Promise<RunningEngine> {
  const options = { ...DEFAULTS, log: silent, ...given };
  const { log, host, install } = options;
  await mkdir(options.data, { recursive: true });
  const stopping = new AbortController();
  const { signal } = stopping;

  const docker = connectDocker(options.docker);
  const dockerHost = createDockerHost({ docker, install });
  const store = createStore({ folder: join(options.data, 'state'), log });
  const cluster = await openCluster(store);
  const stream = createEventStream();
  const { publish } = stream;
  const delays = createLaunchDelays();
  const clock = createVersionClock(latestVersion(cluster));
  const ports = createPortAllocator(options.ports);
  const sandboxes = createSandboxes(options.data);
  const outputs = new Map<string, Promise<void>>();

  const touch = (appId: string): void => reconciler.touch(appId);
  const onChange = ({ appId }: Instance): void => touch(appId);
  const lifecycle = createLifecycle({ cluster, publish, delays, host, onChange });
  const monitor = createHealthMonitor({
    docker,
    cluster,
    publish,
    lifecycle,
    host,
    log,
    onChange,
    onUnhealthy: (instance) => terminator.kill(instance),
  });

  function follow(instance: Instance, app: App): void {
    const { containerId } = instance;
    if (containerId === undefined) return;
    const sandbox = sandboxes.path(taskIdOf(instance));
    const tty = app.tty === true;
    const output = followOutput({ docker, containerId, sandbox, tty, signal })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        log.warn({ taskId: taskIdOf(instance), error: messageOf(error) }, 'output was lost');
      })
      .finally(() => outputs.delete(containerId));
    outputs.set(containerId, output);
    monitor.watch(instance, app);
  }

  const launcher = createLauncher({
    cluster,
    lifecycle,
    dockerHost,
    ports,
    sandboxes,
    install,
    host,
    defaultImage: options.image,
    log,
    onRunning: (instance, app) => {
      follow(instance, app);
      if (instance.goal === 'Decommissioned') terminator.kill(instance);
      // A task may have ended before anybody could know its container.
      terminator.bury(instance).catch(() => touch(instance.appId));
    },
  });
  const { isLaunching } = launcher;
  const terminator = createTerminator({
    cluster,
    lifecycle,
    dockerHost,
    ports,
    sandboxes,
    drainSeconds: options.drainSeconds,
    signal,
    log,
    isLaunching,
    unwatch: monitor.unwatch,
    outputOf: (containerId) => outputs.get(containerId) ?? Promise.resolve(),
  });
  const deployments = createDeployments({
    cluster,
    publish,
    clock,
    touch,
    onNewConfig: delays.reset,
  });
  const reconciler: Reconciler = createReconciler({
    cluster,
    lifecycle,
    launcher,
    terminator,
    delays,
    wantedOf: deployments.wantedOf,
    onReconciled: deployments.onReconciled,
  });
  const supervisor = createSupervisor({
    cluster,
    dockerHost,
    reconciler,
    terminator,
    signal,
    log,
    isLaunching,
    onAdopted: (instance) => {
      ports.reserve(instance.ports);
      const app = cluster.definitionOf(instance);
      if (app) follow(instance, app);
    },
  });

  await supervisor.start();
  deployments.resume();
  reconciler.touchAll();
  const writes = createAppWrites({ cluster, deployments, publish, clock });
  const server = await startServer(options.listen, {
    cluster,
    deployments,
    writes,
    kills: createTaskKills({ cluster, writes, terminator, reconciler }),
    launcher,
    delays,
    stream,
    publish,
    host,
    touch,
    flush: store.flush,
    log,
  });

  return {
    url: server.url,
    stop: async () => {
      stopping.abort();
      reconciler.stop();
      monitor.stop();
      stream.close();
      await server.close();
      await Promise.allSettled(outputs.values());
      await store.flush();
    },
  };
}

function latestVersion(cluster: Cluster): string | undefined {
  const versions = [...cluster.records.values()].flatMap((record) =>
    record.versions.map(({ version }) => version),
  );
  return versions.sort().at(-1);
}
