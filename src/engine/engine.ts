/** The engine: a Marathon-compatible REST server over one Docker host. */
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDocker } from '../clients/docker.ts';
import { messageOf, SetupError } from '../core/errors.ts';
import { type Log, silent } from '../core/log.ts';
import type { Cluster } from './cluster.ts';
import type { Context } from './context.ts';
import { createDockerHost } from './docker-host.ts';
import { createEventStream } from './event-stream.ts';
import { frameworkIdOf } from './identity.ts';
import { createLaunchDelays } from './launch-delays.ts';
import { type Control, createControl, createTaskParts, type TaskParts } from './parts.ts';
import { createPortAllocator } from './ports.ts';
import { createSandboxes } from './sandbox.ts';
import { openCluster } from './saved-state.ts';
import { startServer } from './server.ts';
import { createStore } from './store.ts';
import { createSupervisor } from './supervisor.ts';
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
  drainSeconds: number;
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
  image: 'busybox:1.36',
  host: '127.0.0.1',
  ports: { from: 31_000, to: 32_000 },
};

/** A pull may take long; what it was for is taken up at the next start. */
const STOP_PATIENCE_MS = 5_000;

/** Starts an engine; resolves when it listens and has adopted what already runs. */
export async function startEngine(given: EngineOptions): Promise<RunningEngine> {
  const options = { ...DEFAULTS, log: silent, ...given };
  const { data, log } = options;
  await mkdir(data, { recursive: true });
  const stopping = new AbortController();
  const store = createStore({ folder: join(data, 'state'), log });
  const cluster = await openCluster(store);
  const stream = createEventStream();
  const { publish } = stream;
  const { signal } = stopping;
  // Every task waits on it in one way or another.
  setMaxListeners(0, signal);
  const touch = (appId: string) => control.reconciler.touch(appId);
  const context = createContext({ ...options, cluster, publish, signal, touch });
  const { image: defaultImage, drainSeconds } = options;
  const tasks = createTaskParts(context, { defaultImage, drainSeconds });
  const control: Control = createControl(context, tasks);
  await takeUp(context, tasks, control);
  const { flush } = store;
  const server = await startServer(options.listen, {
    ...context,
    ...tasks,
    ...control,
    stream,
    frameworkId: frameworkIdOf(options),
    flush,
  });
  return {
    url: server.url,
    stop: async () => {
      stopping.abort();
      control.reconciler.stop();
      tasks.monitor.stop();
      tasks.readinessMonitor.stop();
      stream.close();
      await server.close();
      await Promise.race([
        tasks.launcher.idle(),
        sleep(STOP_PATIENCE_MS, undefined, { ref: false }),
      ]);
      await tasks.outputs.all();
      await flush();
    },
  };
}

type ContextOptions = Required<EngineOptions> &
  Pick<Context, 'cluster' | 'publish' | 'signal' | 'touch'>;

function createContext(options: ContextOptions): Context {
  const { cluster, publish, signal, touch, install, host, log } = options;
  return {
    cluster,
    publish,
    clock: createVersionClock(latestVersion(cluster)),
    delays: createLaunchDelays(),
    dockerHost: createDockerHost({ docker: connectDocker(options.docker), install }),
    ports: createPortAllocator(options.ports),
    sandboxes: createSandboxes(options.data),
    install,
    host,
    touch,
    signal,
    log,
  };
}

/** Goes on where the last process of the engine ended, however it ended. */
async function takeUp(context: Context, tasks: TaskParts, control: Control): Promise<void> {
  const { launcher, attend } = tasks;
  const supervisor = createSupervisor({
    ...context,
    ...tasks,
    ...control,
    isLaunching: (instance) => launcher.isLaunching(instance),
    onAdopted: (instance) => {
      const app = context.cluster.definitionOf(instance);
      if (app) attend(instance, app);
    },
  });
  await supervisor.start().catch((error: unknown) => {
    throw new SetupError(`Docker does not answer: ${messageOf(error)}`, {
      code: 'E_ENGINE_DOCKER',
      hint: 'Start Docker, or name its socket with --docker.',
      cause: error,
    });
  });
  control.deployments.resume();
  control.reconciler.touchAll();
}

function latestVersion(cluster: Cluster): string | undefined {
  const versions = [...cluster.records.values()].flatMap((record) =>
    record.versions.map(({ version }) => version),
  );
  return versions.sort().at(-1);
}
