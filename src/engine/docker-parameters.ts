/** The `docker run` flags that an app may set as `container.docker.parameters`, as Docker's API has them. */
import type { Docker } from '../clients/docker.ts';

type CreateOptions = Docker.ContainerCreateOptions;
export interface Parameter {
  key: string;
  value: string;
}

interface Draft extends CreateOptions {
  HostConfig: NonNullable<CreateOptions['HostConfig']>;
}

type Apply = (draft: Draft, value: string) => void;

/** Flags that could reach other installs, such as `name` or `network`, are left out on purpose. */
const FLAGS: Record<string, Apply> = {
  label: (draft, value) => {
    const [key, text] = pair(value);
    draft.Labels = { ...draft.Labels, [key]: text };
  },
  env: (draft, value) => push(draft, 'Env', value),
  hostname: (draft, value) => {
    draft.Hostname = value;
  },
  user: (draft, value) => {
    draft.User = value;
  },
  workdir: (draft, value) => {
    draft.WorkingDir = value;
  },
  entrypoint: (draft, value) => {
    draft.Entrypoint = value;
  },
  'stop-signal': (draft, value) => {
    draft.StopSignal = value;
  },
  init: host((config, value) => {
    config.Init = value !== 'false';
  }),
  memory: host((config, value) => {
    config.Memory = bytes(value);
    config.MemorySwap = config.Memory;
  }),
  'memory-swap': host((config, value) => {
    config.MemorySwap = bytes(value);
  }),
  'memory-reservation': host((config, value) => {
    config.MemoryReservation = bytes(value);
  }),
  'shm-size': host((config, value) => {
    config.ShmSize = bytes(value);
  }),
  cpus: host((config, value) => {
    config.NanoCpus = Math.round(Number(value) * 1e9);
  }),
  'cpu-shares': host((config, value) => {
    config.CpuShares = Number(value);
  }),
  'cpuset-cpus': host((config, value) => {
    config.CpusetCpus = value;
  }),
  'pids-limit': host((config, value) => {
    config.PidsLimit = Number(value);
  }),
  'oom-score-adj': host((config, value) => {
    config.OomScoreAdj = Number(value);
  }),
  'read-only': host((config, value) => {
    config.ReadonlyRootfs = value !== 'false';
  }),
  ulimit: host((config, value) => {
    const [Name, limits] = pair(value);
    const [soft = '', hard = soft] = limits.split(':');
    config.Ulimits = [...(config.Ulimits ?? []), { Name, Soft: Number(soft), Hard: Number(hard) }];
  }),
  sysctl: host((config, value) => {
    const [key, text] = pair(value);
    config.Sysctls = { ...config.Sysctls, [key]: text };
  }),
  tmpfs: host((config, value) => {
    const [path = '', options = ''] = value.split(/:(.*)/s);
    config.Tmpfs = { ...config.Tmpfs, [path]: options };
  }),
  volume: host((config, value) => {
    config.Binds = [...(config.Binds ?? []), value];
  }),
  'add-host': host((config, value) => {
    config.ExtraHosts = [...(config.ExtraHosts ?? []), value];
  }),
  dns: host((config, value) => {
    config.Dns = [...(config.Dns ?? []), value];
  }),
  'dns-search': host((config, value) => {
    config.DnsSearch = [...(config.DnsSearch ?? []), value];
  }),
  'cap-add': host((config, value) => {
    config.CapAdd = [...(config.CapAdd ?? []), value];
  }),
  'cap-drop': host((config, value) => {
    config.CapDrop = [...(config.CapDrop ?? []), value];
  }),
  'group-add': host((config, value) => {
    config.GroupAdd = [...(config.GroupAdd ?? []), value];
  }),
  'security-opt': host((config, value) => {
    config.SecurityOpt = [...(config.SecurityOpt ?? []), value];
  }),
};

/** Says which flags there are when `parameter` is none of them. */
export function unknownParameter({ key }: Parameter): string | undefined {
  if (Object.hasOwn(FLAGS, key)) return undefined;
  return `docker parameter '${key}' is not allowed; allowed are ${Object.keys(FLAGS).join(', ')}`;
}

/** Lays the parameters over what the engine would create; unknown ones were refused before. */
export function applyParameters(draft: Draft, parameters: Parameter[]): void {
  for (const { key, value } of parameters) FLAGS[key]?.(draft, value);
}

function host(apply: (config: Draft['HostConfig'], value: string) => void): Apply {
  return (draft, value) => apply(draft.HostConfig, value);
}

function push(draft: Draft, field: 'Env', value: string): void {
  draft[field] = [...(draft[field] ?? []), value];
}

function pair(value: string): [string, string] {
  const at = value.indexOf('=');
  return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)];
}

const UNITS: Record<string, number> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `64m`, `1g`, `1024`: as `docker run` reads sizes. */
function bytes(value: string): number {
  const match = /^(-?\d+)([bkmg])?b?$/i.exec(value);
  return Number(match?.[1] ?? Number.NaN) * (UNITS[(match?.[2] ?? 'b').toLowerCase()] ?? 1);
}
