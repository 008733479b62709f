/** What a build is to be, and how POST /build takes it. */
import type { Docker } from '../../clients/docker.ts';
import type { ExpandedDockerfile } from '../../core/build.ts';
import type { StepEvent } from '../../core/build-step.ts';
import type { Context } from '../context/context.ts';
import type { BuilderKind } from './builder-choice.ts';
import type { Login } from './registry-login.ts';

/** For the commands of one build. */
export interface BuildLimits {
  /** MiB. */
  memory?: number;
  cpus?: number;
}

export interface BuildImageOptions {
  docker: Docker;
  /** By default the daemon is asked. */
  builder?: BuilderKind | 'auto' | undefined;
  context: Context;
  /** The expanded file that the context holds, by which steps and errors find their places. */
  dockerfile: ExpandedDockerfile;
  /** Full name with tag. */
  name: string;
  args: Record<string, string>;
  target?: string | undefined;
  /** Such as `linux/amd64`. */
  platform?: string | undefined;
  labels: Record<string, string>;
  /** For the registries of base images, by their names; each is given to its own registry only. */
  logins?: Record<string, Login>;
  /** Values of secret mounts by their ids; only BuildKit has such mounts. */
  secrets?: Record<string, string>;
  /** Names of images whose layers may be taken. */
  cacheFrom?: string[];
  /** Runs every step anew. */
  noCache?: boolean | undefined;
  /** What the commands of the classic builder may use; BuildKit knows no limits. */
  limits?: BuildLimits | undefined;
  /** The next is read when this resolves, so that a slow reader is not run over. */
  onStep: (event: StepEvent) => void | Promise<void>;
  signal: AbortSignal;
}

const mebibyte = 1024 * 1024;

/** Microseconds over which the kernel counts the time of processors. */
const cpuPeriod = 100_000;

/** The query; the daemon of `options` is asked for its networks. */
export async function toQuery(builder: BuilderKind, options: BuildImageOptions) {
  const { name, context, args, labels, target, platform, cacheFrom = [], noCache } = options;
  const isBuildKit = builder === 'buildkit';
  return {
    version: isBuildKit ? '2' : '1',
    t: name,
    dockerfile: context.dockerfile,
    // A flag of BuildKit's own, no arg: it puts into the image what a later build needs to take layers from it.
    buildargs: isBuildKit ? { ...args, BUILDKIT_INLINE_CACHE: '1' } : args,
    labels,
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    ...(cacheFrom.length > 0 ? { cachefrom: JSON.stringify(cacheFrom) } : {}),
    ...(noCache ? { nocache: true } : {}),
    ...(isBuildKit ? {} : limitsOf(options.limits)),
    ...(await networkOf(options.docker)),
    rm: true,
    forcerm: true,
  };
}

/** Swap counts as memory: a build that needs more is ended instead of slowing the host down. */
function limitsOf({ memory, cpus }: BuildLimits = {}) {
  return {
    ...(memory === undefined ? {} : { memory: memory * mebibyte, memswap: memory * mebibyte }),
    ...(cpus === undefined ? {} : { cpuperiod: cpuPeriod, cpuquota: Math.round(cpus * cpuPeriod) }),
  };
}

/** A daemon without the default bridge can run build steps in the host's network only. */
async function networkOf(docker: Docker): Promise<{ networkmode?: string }> {
  const networks = await docker.listNetworks({ filters: { name: ['bridge'] } });
  return networks.some((network) => network.Name === 'bridge') ? {} : { networkmode: 'host' };
}
