/** The engine: a Marathon-compatible REST server over one Docker host. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDocker } from '../clients/docker.ts';
import { messageOf, SetupError } from '../core/errors.ts';
import { type Log, silent } from '../core/log.ts';
import { notKept } from './api/api-error.ts';
import type { Credentials } from './api/basic-auth.ts';
import { createEventStream, type Publish } from './api/event-stream.ts';
import { startServer } from './api/server.ts';
import type { Context } from './context.ts';
import { createDockerHost } from './docker/docker-host.ts';
import { frameworkIdOf } from './identity.ts';
import { parseAttributes } from './launch/attributes.ts';
import { createLaunchDelays } from './launch/launch-delays.ts';
import { readNode } from './launch/node.ts';
import { createOfferBook } from './launch/offers.ts';
import { createPortAllocator } from './launch/ports.ts';
import { createMetrics } from './metrics/metrics.ts';
import { type Control, createControl, createTaskParts, type TaskParts } from './parts.ts';
import { createSandboxes } from './sandbox/sandbox.ts';
import type { Cluster } from './state/cluster.ts';
import { openCluster } from './state/saved-state.ts';
import { createStore } from './state/store.ts';
import { createVersionClock } from './state/version-clock.ts';
import { createSupervisor } from './tasks/supervisor.ts';

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
  /** Docker's config.json with logins for registries, read at each pull. */
  dockerConfig?: string;
  /** How long a killed task goes on serving before it is asked to end. */
  drainSeconds: number;
  /** The address of instances, as balancers reach them. */
  host?: string;
  /** Host ports that tasks get, both ends included. */
  ports?: { from: number; to: number };
  /** What all instances together may ask for; default: see docs/decisions/0026. */
  cpus?: number | undefined;
  /** Megabytes. */
  mem?: number | undefined;
  /** Of the node, for constraints, as Mesos writes them: `rack:a;ssd:true`. */
  attributes?: string;
  /** Lets in only who has them. */
  credentials?: Credentials;
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
  attributes: '',
};

/** A pull may take long, and so may Docker; what it was for is taken up at the next start. */
const STOP_PATIENCE_MS = 5_000;

/** Takes up what is on the disk and listens, until it is stopped; `abdicate` asks for that. */
export async function startTerm(
  given: EngineOptions,
  abdicate: () => void,
): Promise<RunningEngine> {
  const options = { ...DEFAULTS, log: silent, ...given };
  const { data, log } = options;
  const stopping = new AbortController();
  const store = createStore({ folder: join(data, 'state'), log });
  const cluster = await openCluster(store);
  const stream = createEventStream();
  const metrics = createMetrics({ cluster, streams: () => stream.stats() });
  const publish = both(metrics.observe, stream.publish);
  const { signal } = stopping;
  // Every task waits on it in one way or another.
  setMaxListeners(0, signal);
  const touch = (appId: string) => control.reconciler.touch(appId);
  const context = await createContext({ ...options, cluster, publish, signal, touch });
  const { image: defaultImage, drainSeconds, dockerConfig } = options;
  const tasks = createTaskParts(context, { defaultImage, dockerConfig, drainSeconds });
  const control: Control = createControl(context, tasks);
  const end = async (closing: Promise<void>) => {
    stopping.abort();
    stream.close();
    await stopTasks(tasks, control, closing);
    await store.close();
  };
  try {
    await takeUp(context, tasks, control);
    const server = await startServer(options.listen, {
      ...context,
      ...tasks,
      ...control,
      ...{ stream, metrics, credentials: options.credentials, drains: drainSeconds > 0 },
      abdicate,
      flush: () => store.flush().catch(notKept),
    });
    return { url: server.url, stop: () => end(server.close()) };
  } catch (error) {
    // What a term began must not go on beside the next one.
    await end(Promise.resolve()).catch(notKept);
    throw error;
  }
}

function both(first: Publish, second: Publish): Publish {
  return (eventType, fields) => {
    first(eventType, fields);
    second(eventType, fields);
  };
}

/** Ends what is done about tasks, once `closing` has ended what is asked about them. */
async function stopTasks(tasks: TaskParts, control: Control, closing: Promise<void>) {
  control.reconciler.stop();
  tasks.monitor.stop();
  tasks.readinessMonitor.stop();
  await closing;
  const idle = Promise.all([tasks.launcher.idle(), tasks.outputs.all()]);
  await Promise.race([idle, sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
}

type ContextOptions = EngineOptions &
  Required<Omit<EngineOptions, 'cpus' | 'mem' | 'dockerConfig' | 'credentials'>> &
  Pick<Context, 'cluster' | 'publish' | 'signal' | 'touch'>;

async function createContext(options: ContextOptions): Promise<Context> {
  const { cluster, publish, signal, touch, install, host, log } = options;
  const docker = connectDocker(options.docker);
  const attributes = parseAttributes(options.attributes);
  return {
    cluster,
    publish,
    clock: createVersionClock(latestVersion(cluster)),
    delays: createLaunchDelays(),
    offers: createOfferBook(),
    node: await readNode({ ...options, docker, attributes }).catch(noDocker),
    dockerHost: createDockerHost({ docker, install }),
    ports: createPortAllocator(options.ports),
    sandboxes: createSandboxes(options.data),
    ...{ install, frameworkId: frameworkIdOf(options) },
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
  await supervisor.start().catch(noDocker);
  control.deployments.resume();
  control.reconciler.touchAll();
}

function noDocker(error: unknown): never {
  throw new SetupError(`Docker does not answer: ${messageOf(error)}`, {
    code: 'E_ENGINE_DOCKER',
    hint: 'Start Docker, or name its socket with --docker.',
    cause: error,
  });
}

function latestVersion({ records, history }: Cluster): string | undefined {
  const versions = [...records.values()].flatMap((record) => record.versions);
  return [...versions, ...history]
    .map(({ version }) => version)
    .sort()
    .at(-1);
}
