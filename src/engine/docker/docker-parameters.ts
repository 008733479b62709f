/** The `docker run` flags that an app may set as `container.docker.parameters`, as Docker's API has them. */
import type { Docker } from '../../clients/docker.ts';
import {
  bytes,
  decimal,
  exposed,
  flag,
  list,
  type Read,
  record,
  text,
  whole,
} from './docker-parameter-values.ts';
import { UNNAMED } from './log-config.ts';

type CreateOptions = Docker.ContainerCreateOptions;
type HostConfig = NonNullable<CreateOptions['HostConfig']>;

export interface Parameter {
  key: string;
  value: string;
}

export interface Draft extends CreateOptions {
  HostConfig: HostConfig;
}

/** Throws a ValueProblem where the value cannot be read. */
type Apply = (draft: Draft, value: string) => void;

/** Sets one field of the container itself. */
function own<K extends keyof CreateOptions>(field: K, read: Read<CreateOptions[K]>): Apply {
  return (draft, value) => {
    draft[field] = read(value, draft[field]) as Draft[K];
  };
}

/** Sets one field of how it runs on the host. */
function host<K extends keyof HostConfig>(field: K, read: Read<HostConfig[K]>): Apply {
  return ({ HostConfig }, value) => {
    HostConfig[field] = read(value, HostConfig[field]);
  };
}

/** A further name of the container in the network that the app asks for. */
const alias: Apply = (draft, value) => {
  const network = draft.HostConfig.NetworkMode ?? '';
  const { Aliases = [] } = draft.NetworkingConfig?.EndpointsConfig?.[network] ?? {};
  draft.NetworkingConfig = { EndpointsConfig: { [network]: { Aliases: [...Aliases, value] } } };
};

/**
 * Flags by name. Left out on purpose are those that would reach other installs or undo what the engine
 * is for: `name`, `network`, `restart`, `rm`, `detach`, `publish`, `cidfile`.
 */
const FLAGS: Record<string, Apply> = {
  label: own('Labels', record),
  env: (draft, value) => {
    const [name] = value.split('=', 1);
    const others = (draft.Env ?? []).filter((one) => !one.startsWith(`${name}=`));
    draft.Env = [...others, value];
  },
  hostname: own('Hostname', text),
  domainname: own('Domainname', text),
  user: own('User', text),
  workdir: own('WorkingDir', text),
  entrypoint: own('Entrypoint', text),
  // Whether there is a terminal is decided in one place, which reads this parameter too.
  tty: (_draft, value) => void flag(value),
  interactive: own('OpenStdin', flag),
  'mac-address': own('MacAddress', text),
  'stop-signal': own('StopSignal', text),
  'stop-timeout': own('StopTimeout', whole),
  expose: own('ExposedPorts', (value, before) => ({ ...before, [exposed(value)]: {} })),
  volume: host('Binds', list),
  'volumes-from': host('VolumesFrom', list),
  'volume-driver': host('VolumeDriver', text),
  tmpfs: host('Tmpfs', (value, before = {}) => {
    const [path = '', options = ''] = value.split(/:(.*)/s);
    return { ...before, [path]: options };
  }),
  mount: host('Mounts', (value, before = []) => [...before, mountOf(value)]),
  device: host('Devices', (value, before = []) => {
    const [PathOnHost = '', PathInContainer = PathOnHost, CgroupPermissions = 'rwm'] =
      value.split(':');
    return [...before, { PathOnHost, PathInContainer, CgroupPermissions }];
  }),
  'device-cgroup-rule': host('DeviceCgroupRules', list),
  init: host('Init', flag),
  privileged: host('Privileged', flag),
  'read-only': host('ReadonlyRootfs', flag),
  memory: ({ HostConfig }, value) => {
    HostConfig.Memory = bytes(value);
    HostConfig.MemorySwap = HostConfig.Memory;
  },
  'memory-swap': host('MemorySwap', bytes),
  'memory-swappiness': host('MemorySwappiness', whole),
  'memory-reservation': host('MemoryReservation', bytes),
  'kernel-memory': host('KernelMemory', bytes),
  'shm-size': host('ShmSize', bytes),
  'oom-kill-disable': host('OomKillDisable', flag),
  'oom-score-adj': host('OomScoreAdj', whole),
  cpus: host('NanoCpus', (value) => Math.round(decimal(value) * 1e9)),
  'cpu-shares': host('CpuShares', whole),
  'cpu-period': host('CpuPeriod', whole),
  'cpu-quota': host('CpuQuota', whole),
  'cpuset-cpus': host('CpusetCpus', text),
  'cpuset-mems': host('CpusetMems', text),
  'blkio-weight': host('BlkioWeight', whole),
  'pids-limit': host('PidsLimit', whole),
  ulimit: host('Ulimits', (value, before = []) => {
    const [Name = '', limits = ''] = value.split(/=(.*)/s);
    const [soft = '', hard = soft] = limits.split(':');
    return [...before, { Name, Soft: whole(soft), Hard: whole(hard) }];
  }),
  sysctl: host('Sysctls', record),
  'storage-opt': host('StorageOpt', record),
  'log-driver': host('LogConfig', (Type, before) => ({ Type, Config: before?.Config ?? {} })),
  'log-opt': host('LogConfig', (value, before) => ({
    Type: before?.Type ?? UNNAMED,
    Config: record(value, before?.Config),
  })),
  'add-host': host('ExtraHosts', list),
  dns: host('Dns', list),
  'dns-search': host('DnsSearch', list),
  'dns-option': host('DnsOptions', list),
  'dns-opt': host('DnsOptions', list),
  'network-alias': alias,
  'net-alias': alias,
  link: host('Links', list),
  'cap-add': host('CapAdd', list),
  'cap-drop': host('CapDrop', list),
  'group-add': host('GroupAdd', list),
  'security-opt': host('SecurityOpt', list),
  ipc: host('IpcMode', text),
  pid: host('PidMode', text),
  uts: host('UTSMode', text),
  userns: host('UsernsMode', text),
  'cgroup-parent': host('CgroupParent', text),
  runtime: host('Runtime', text),
};

/** Says what is wrong with a parameter, in one sentence. */
export function parameterProblem({ key, value }: Parameter): string | undefined {
  if (!Object.hasOwn(FLAGS, key)) {
    return `docker parameter '${key}' is not allowed; allowed are ${Object.keys(FLAGS).join(', ')}`;
  }
  try {
    FLAGS[key]?.({ HostConfig: {} }, value);
    return undefined;
  } catch (error) {
    return `docker parameter '${key}' ${(error as Error).message}`;
  }
}

/** Lays the parameters over what the engine would create; wrong ones were refused before. */
export function applyParameters(draft: Draft, parameters: Parameter[]): void {
  for (const { key, value } of parameters) FLAGS[key]?.(draft, value);
}

const MOUNT_KEYS: Record<string, string> = { src: 'Source', source: 'Source' };
const TARGETS = new Set(['dst', 'destination', 'target']);

/** `type=volume,src=data,dst=/data,readonly`; the type is `volume` where none is said. */
function mountOf(value: string): Docker.MountSettings {
  const mount: Record<string, unknown> = { Type: 'volume', Source: '' };
  for (const part of value.split(',')) {
    const [name = '', given = 'true'] = part.split(/=(.*)/s);
    if (name === 'type') mount['Type'] = given;
    else if (TARGETS.has(name)) mount['Target'] = given;
    else if (name === 'readonly' || name === 'ro') mount['ReadOnly'] = flag(given);
    else if (MOUNT_KEYS[name] !== undefined) mount[MOUNT_KEYS[name]] = given;
    else throw new TypeError(`has '${name}', and a mount takes type, src, dst and readonly`);
  }
  if (typeof mount['Target'] !== 'string') throw new TypeError('has no dst');
  return mount as unknown as Docker.MountSettings;
}
