/** What Docker is asked to create for a task; pure. */
import { posix } from 'node:path';
import type { Docker } from '../../clients/docker.ts';
import type { App } from '../apps/app-definition.ts';
import type { PortMapping, Volume } from '../apps/container-definition.ts';
import { applyParameters } from '../docker/docker-parameters.ts';
import { logConfigOf } from '../docker/log-config.ts';
import type { WantedPort } from './ports.ts';
import { SANDBOX_MOUNT, taskEnv } from './task-env.ts';

/** The label by which Marathon's own agents find the container of a task. */
export const TASK_LABEL = 'MESOS_TASK_ID';
export const INSTALL_LABEL = 'ekiden.install';
export const FRAMEWORK_LABEL = 'ekiden.framework';
const APP_LABEL = 'ekiden.app';

export interface ContainerRequest {
  app: App;
  taskId: string;
  install: string;
  /** Of the engine that makes it. */
  frameworkId: string;
  image: string;
  /** The address that instances are reached at; ports are published there. */
  host: string;
  /** Allocated host ports: one per port definition, or per mapping that has a host port. */
  ports: number[];
  /** The task's folder on this machine. */
  sandbox: string;
  /** The engine's own network for bridged apps. */
  network: string;
  /** Whether the app's group lets in its own role only. */
  enforcesRole: boolean;
}

type CreateOptions = Docker.ContainerCreateOptions & {
  HostConfig: NonNullable<Docker.ContainerCreateOptions['HostConfig']>;
};

/** The bounds of Mesos: less memory than this or fewer shares make no usable container. */
const MIN_MEMORY_MB = 32;
const MIN_CPU_SHARES = 2;

export function containerSpec(request: ContainerRequest): CreateOptions {
  const { app, image, taskId, host, enforcesRole } = request;
  const ports = effectivePorts(app, request.ports);
  const env = taskEnv(app, { taskId, host, ports, enforcesRole });
  const docker = app.container?.docker;
  const spec: CreateOptions = {
    name: taskId,
    Image: image,
    ...commandOf(app),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Tty: hasTerminal(app),
    ...(app.user === undefined ? {} : { User: app.user }),
    ...publishing(app, ports, request.host),
  };
  spec.HostConfig = {
    ...spec.HostConfig,
    ...resources(app),
    NetworkMode: networkMode(app, request.network),
    Privileged: docker?.privileged ?? false,
    Binds: binds(app.container?.volumes ?? [], request.sandbox),
  };
  applyParameters(spec, docker?.parameters ?? []);
  spec.HostConfig.LogConfig = logConfigOf(spec.HostConfig.LogConfig);
  // The engine's own labels come last: by them it knows what it may touch.
  spec.Labels = {
    ...spec.Labels,
    [TASK_LABEL]: taskId,
    [INSTALL_LABEL]: request.install,
    [FRAMEWORK_LABEL]: request.frameworkId,
    [APP_LABEL]: app.id,
  };
  return spec;
}

/** The host ports that a task of `app` needs; fixed ones as they are, 0 for any. */
export function hostPortsWanted(app: App): WantedPort[] {
  if (app.portDefinitions) {
    return app.portDefinitions.map(({ port, protocol }) => ({
      port: app.requirePorts ? port : 0,
      protocol,
    }));
  }
  return publishedMappings(app).map(({ hostPort = 0, protocol }) => ({ port: hostPort, protocol }));
}

/** A terminal has one stream of output without frames. */
export function hasTerminal({ tty, container }: App): boolean {
  const flags = (container?.docker?.parameters ?? []).filter(({ key }) => key === 'tty');
  return flags.at(-1) ? flags.at(-1)?.value !== 'false' : tty === true;
}

/** The port that a check or a neighbour reaches inside the container's own network. */
export function containerPorts(app: App, hostPorts: number[]): number[] {
  if (app.portDefinitions) return hostPorts;
  const published = publishedMappings(app);
  return (app.container?.portMappings ?? []).map(
    (mapping) => mapping.containerPort || (hostPorts[published.indexOf(mapping)] ?? 0),
  );
}

/** Folders of the sandbox that volumes name by a relative path. */
export function sandboxFolders(app: App): string[] {
  return (app.container?.volumes ?? [])
    .map(({ hostPath }) => hostPath)
    .filter((path) => path !== undefined)
    .filter((path) => !path.startsWith('/'));
}

function publishedMappings(app: App): PortMapping[] {
  return (app.container?.portMappings ?? []).filter(({ hostPort }) => hostPort !== undefined);
}

/** What `PORT0` and so on say: the host port, or the container's where none is published. */
function effectivePorts(app: App, hostPorts: number[]): number[] {
  if (app.portDefinitions) return hostPorts;
  const published = publishedMappings(app);
  return (app.container?.portMappings ?? []).map(
    (mapping) => hostPorts[published.indexOf(mapping)] ?? mapping.containerPort,
  );
}

/**
 * `cmd` runs in a shell in place of the image's entry point; `args` are handed to that. An app without
 * an image has no entry point: its first argument is the program, as Mesos runs it.
 */
function commandOf({ cmd, args, container }: App): Partial<CreateOptions> {
  if (cmd !== undefined) return { Entrypoint: ['/bin/sh', '-c'], Cmd: [cmd] };
  if (!args) return {};
  return container?.docker ? { Cmd: args } : { Entrypoint: args, Cmd: [] };
}

function publishing(app: App, ports: number[], host: string): CreateOptions {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const [index, mapping] of (app.container?.portMappings ?? []).entries()) {
    const hostPort = String(ports[index] ?? 0);
    for (const protocol of mapping.protocol.split(',')) {
      const key = `${mapping.containerPort || hostPort}/${protocol}`;
      exposed[key] = {};
      if (mapping.hostPort === undefined) continue;
      bindings[key] = [...(bindings[key] ?? []), { HostIp: host, HostPort: hostPort }];
    }
  }
  if (Object.keys(exposed).length === 0) return { HostConfig: {} };
  return { ExposedPorts: exposed, HostConfig: { PortBindings: bindings } };
}

function networkMode(app: App, own: string): string {
  const [network] = app.networks;
  if (!network || network.mode === 'host') return 'host';
  return network.mode === 'container' && network.name !== undefined ? network.name : own;
}

function resources({ cpus, mem, resourceLimits }: App) {
  const megabytes = Math.max(mem, MIN_MEMORY_MB);
  const memory = Math.round(megabytes * 1024 * 1024);
  const limit = resourceLimits?.mem;
  const hard = limit === 'unlimited' ? 0 : (limit ?? megabytes) * 1024 * 1024;
  const processors = resourceLimits?.cpus;
  return {
    CpuShares: Math.max(Math.round(cpus * 1024), MIN_CPU_SHARES),
    Memory: Math.round(hard),
    // Without swap a task ends at its limit instead of slowing the whole machine down.
    ...(hard > 0 ? { MemorySwap: Math.round(hard) } : {}),
    ...(limit === undefined ? {} : { MemoryReservation: memory }),
    ...(typeof processors === 'number' ? { NanoCpus: Math.round(processors * 1e9) } : {}),
  };
}

function binds(volumes: Volume[], sandbox: string): string[] {
  const mounts = volumes.flatMap(({ hostPath, containerPath, mode }) => {
    if (hostPath === undefined) return [];
    const source = hostPath.startsWith('/') ? hostPath : posix.join(sandbox, hostPath);
    return [`${source}:${containerPath}:${mode === 'RO' ? 'ro' : 'rw'}`];
  });
  return [`${sandbox}:${SANDBOX_MOUNT}:rw`, ...mounts];
}
