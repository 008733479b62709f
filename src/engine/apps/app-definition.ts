/** Brings an app definition into its full form: defaults filled in, deprecated fields translated, empty ones left out. */

import { type Artifact, artifactOf, artifactOfUri } from '../fetch/artifact.ts';
import { absoluteId, parentOf, resolvedId } from './app-id.ts';
import type { AppInput, NetworkInput } from './app-schema.ts';
import {
  type HealthCheck,
  normalizeHealthCheck,
  normalizeReadinessCheck,
  type ReadinessCheck,
} from './check-definition.ts';
import { type Container, normalizeContainer } from './container-definition.ts';

export interface PortDefinition {
  port: number;
  protocol: string;
  name?: string;
  labels?: Record<string, string>;
}

export interface Network {
  mode: 'host' | 'container' | 'container/bridge';
  name?: string;
  labels?: Record<string, string>;
}

/** Times are Marathon timestamps (ISO, milliseconds, Z); `version` is also the version's id. */
export interface VersionInfo {
  lastScalingAt: string;
  lastConfigChangeAt: string;
}

/** An app as it is kept and echoed: what may be empty is absent then, everything else is there. */
export interface App {
  id: string;
  cmd?: string;
  args?: string[];
  user?: string;
  env?: Record<string, string | { secret: string }>;
  instances: number;
  cpus: number;
  /** Megabytes. */
  mem: number;
  disk: number;
  gpus: number;
  executor: string;
  constraints?: string[][];
  fetch?: Artifact[];
  networks: Network[];
  portDefinitions?: PortDefinition[];
  requirePorts: boolean;
  container?: Container;
  healthChecks?: HealthCheck[];
  /** This and the next one are kept for Marathon's clients; the engine does nothing by them. */
  check?: object;
  executorResources?: object;
  readinessChecks?: ReadinessCheck[];
  backoffSeconds: number;
  backoffFactor: number;
  maxLaunchDelaySeconds: number;
  taskKillGracePeriodSeconds?: number;
  upgradeStrategy: { minimumHealthCapacity: number; maximumOverCapacity: number };
  labels: Record<string, string>;
  acceptedResourceRoles?: string[];
  dependencies?: string[];
  killSelection: 'YOUNGEST_FIRST' | 'OLDEST_FIRST';
  unreachableStrategy: 'disabled' | { inactiveAfterSeconds: number; expungeAfterSeconds: number };
  resourceLimits?: { cpus?: number | 'unlimited'; mem?: number | 'unlimited' };
  secrets?: Record<string, unknown>;
  tty?: boolean;
  role: string;
  version: string;
  versionInfo: VersionInfo;
}

/** The full definition without its version, which the write that stores it gives. */
export type Unversioned = Omit<App, 'version' | 'versionInfo'>;

/** Fills in every default of Marathon 1.8–1.11; service ports of 0 are left for the assignment. */
export function normalizeApp(input: AppInput & { id: string }): Unversioned {
  const networks = networksOf(input);
  const onHost = networks.every(({ mode }) => mode === 'host');
  const container = normalizeContainer(input.container, networks);
  const singleton = input.labels?.['MARATHON_SINGLE_INSTANCE_APP'] === 'true';
  const strict = { minimumHealthCapacity: 0, maximumOverCapacity: 0 };
  return withoutUndefined<Unversioned>({
    ...passedOn(input),
    id: absoluteId(input.id),
    instances: input.instances ?? 1,
    cpus: input.cpus ?? 1,
    mem: input.mem ?? 128,
    disk: input.disk ?? 0,
    gpus: input.gpus ?? 0,
    executor: input.executor ?? '',
    networks,
    // A port that must be had is one of the host's network.
    requirePorts: onHost && (input.requirePorts ?? false),
    portDefinitions: onHost || hasForeignPorts(input) ? portDefinitionsOf(input) : undefined,
    container,
    healthChecks: filled(distinct(input.healthChecks?.map(normalizeHealthCheck))),
    readinessChecks: filled(input.readinessChecks?.map(normalizeReadinessCheck)),
    backoffSeconds: input.backoffSeconds ?? 1,
    backoffFactor: input.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: input.maxLaunchDelaySeconds ?? 300,
    upgradeStrategy: singleton
      ? strict
      : (input.upgradeStrategy ?? { minimumHealthCapacity: 1, maximumOverCapacity: 1 }),
    labels: input.labels ?? {},
    killSelection: input.killSelection ?? 'YOUNGEST_FIRST',
    unreachableStrategy: unreachableStrategyOf(input),
    role: input.role || '*',
  });
}

/** Fields that have no default: kept when they hold something. */
function passedOn(input: AppInput & { id: string }) {
  return {
    cmd: input.cmd,
    args: filled(input.args),
    user: input.user,
    env: nonEmpty(input.env),
    check: input.check,
    executorResources: input.executorResources,
    constraints: filled(distinct(input.constraints)),
    fetch: filled(input.fetch?.map(artifactOf) ?? input.uris?.map(artifactOfUri)),
    taskKillGracePeriodSeconds: input.taskKillGracePeriodSeconds,
    acceptedResourceRoles: filled(distinct(input.acceptedResourceRoles)),
    dependencies: filled(distinct(dependenciesOf(input))),
    resourceLimits: input.resourceLimits && withoutUndefined(input.resourceLimits),
    secrets: nonEmpty(input.secrets),
    tty: input.tty,
  };
}

/** A relative id is meant from the group that holds the app. */
function dependenciesOf({ id, dependencies }: AppInput & { id: string }): string[] | undefined {
  return dependencies?.map((one) => resolvedId(one, parentOf(absoluteId(id))));
}

/** `networks`, or what the deprecated ways of saying the same mean. */
function networksOf(input: AppInput): Network[] {
  if (input.networks && input.networks.length > 0) return input.networks.map(networkOf);
  const { ipAddress } = input;
  const legacy = input.container?.docker?.network;
  if (legacy === 'HOST') return [{ mode: 'host' }];
  if (legacy === 'BRIDGE')
    return [networkOf({ mode: 'container/bridge', labels: ipAddress?.labels })];
  if (legacy !== 'USER' && !ipAddress) return [{ mode: 'host' }];
  return [networkOf({ name: ipAddress?.networkName, labels: ipAddress?.labels })];
}

function networkOf({ mode = 'container', name, labels }: NetworkInput): Network {
  return withoutUndefined<Network>({ mode, name, labels: nonEmpty(labels) });
}

/** Ports of the host beside another network are refused, but for those in older echoes of an app. */
function hasForeignPorts({ portDefinitions = [], networks = [] }: AppInput): boolean {
  return portDefinitions.length > 0 && networks.length > 0;
}

function portDefinitionsOf(input: AppInput): PortDefinition[] {
  const asked = input.portDefinitions ?? input.ports?.map((port) => ({ port }));
  if (!asked) return [{ port: 0, protocol: 'tcp', name: 'default' }];
  return asked.map((definition: NonNullable<AppInput['portDefinitions']>[number]) =>
    withoutUndefined<PortDefinition>({
      port: definition.port ?? 0,
      protocol: definition.protocol ?? 'tcp',
      name: definition.name,
      labels: nonEmpty(definition.labels),
    }),
  );
}

function unreachableStrategyOf(input: AppInput): App['unreachableStrategy'] {
  const asked = input.unreachableStrategy;
  if (asked === 'disabled') return asked;
  return {
    inactiveAfterSeconds: asked?.inactiveAfterSeconds ?? 0,
    expungeAfterSeconds: asked?.expungeAfterSeconds ?? 0,
  };
}

function filled<T>(list: T[] | undefined): T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

/** Marathon keeps sets of these: what is the same twice is there once. */
function distinct<T>(list: T[] | undefined): T[] | undefined {
  return list && [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
}

function nonEmpty<T extends object>(fields: T | undefined): T | undefined {
  return fields && Object.keys(fields).length > 0 ? fields : undefined;
}

type Loose<T> = { [K in keyof T]: T[K] | undefined };

/** Drops the keys that hold nothing, so that two definitions compare by their JSON. */
function withoutUndefined<T extends object>(fields: Loose<T>): T {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as T;
}
