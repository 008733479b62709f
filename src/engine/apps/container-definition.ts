/** The container part of an app in its full form. */
import type { Network } from './app-definition.ts';
import type { ContainerInput, PortMappingInput, VolumeInput } from './app-schema.ts';

export interface PortMapping {
  containerPort: number;
  hostPort?: number;
  servicePort: number;
  protocol: string;
  name?: string;
  labels: Record<string, string>;
  networkNames?: string[];
}

export interface Volume {
  containerPath: string;
  hostPath?: string;
  mode?: 'RO' | 'RW';
  persistent?: unknown;
  external?: unknown;
  secret?: string;
}

export interface DockerSettings {
  image: string;
  forcePullImage: boolean;
  privileged: boolean;
  parameters: { key: string; value: string }[];
  /** Only Mesos' own containerizer knows these two; an app that has one is refused. */
  pullConfig?: unknown;
  credential?: unknown;
}

export interface Container {
  type: 'DOCKER' | 'MESOS';
  docker?: DockerSettings;
  volumes: Volume[];
  portMappings?: PortMapping[];
}

/** Apps off the host's network always have a container and port mappings; others may have neither. */
export function normalizeContainer(
  input: ContainerInput | undefined,
  networks: Network[],
): Container | undefined {
  const onHost = networks.every(({ mode }) => mode === 'host');
  if (!input && onHost) return undefined;
  const asked = input?.portMappings ?? input?.docker?.portMappings;
  // Older clients list mappings beside the host's network too, where they mean nothing.
  const mappings = input?.docker?.network === 'HOST' ? undefined : asked;
  const bridged = networks.some(({ mode }) => mode === 'container/bridge');
  const kept = onHost ? mappings : (mappings ?? [{ name: 'default' }]);
  return {
    type: input?.type ?? (input?.docker ? 'DOCKER' : 'MESOS'),
    ...(input?.docker ? { docker: dockerOf(input.docker) } : {}),
    volumes: (input?.volumes ?? []).map(volumeOf),
    ...(kept ? { portMappings: kept.map((mapping) => mappingOf(mapping, bridged)) } : {}),
  };
}

function dockerOf(docker: NonNullable<ContainerInput['docker']>): DockerSettings {
  return {
    image: docker.image,
    forcePullImage: docker.forcePullImage ?? false,
    privileged: docker.privileged ?? false,
    parameters: docker.parameters ?? [],
    ...(docker.pullConfig === undefined ? {} : { pullConfig: docker.pullConfig }),
    ...(docker.credential === undefined ? {} : { credential: docker.credential }),
  };
}

function mappingOf(mapping: PortMappingInput, bridged: boolean): PortMapping {
  const hostPort = mapping.hostPort ?? (bridged ? 0 : undefined);
  return {
    containerPort: mapping.containerPort ?? 0,
    ...(hostPort === undefined ? {} : { hostPort }),
    servicePort: mapping.servicePort ?? 0,
    protocol: mapping.protocol ?? 'tcp',
    ...(mapping.name === undefined ? {} : { name: mapping.name }),
    labels: mapping.labels ?? {},
    ...(mapping.networkNames?.length ? { networkNames: mapping.networkNames } : {}),
  };
}

function volumeOf(volume: VolumeInput): Volume {
  return Object.fromEntries(
    Object.entries({ ...volume, mode: volume.mode ?? 'RW' }).filter(([, v]) => v !== undefined),
  ) as unknown as Volume;
}
