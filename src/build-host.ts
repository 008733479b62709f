/** What builds may use of their host: the limits of each, one over all, and what must stay free. */
import { type Admission, createAdmission, parseDiskWatermark, roomOf } from './build/admission.ts';
import { capBuildKit } from './clients/buildkit-cap.ts';
import type { Docker } from './clients/docker.ts';
import type { Config } from './config.ts';
import { isLocalDocker } from './core/docker-host.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';

const mebibyte = 1024 ** 2;

type HostConfig = Pick<
  Config,
  | ('builder' | 'buildSlots' | 'buildMemory' | 'buildCpus' | 'buildFreeMemory' | 'buildFreeDisk')
  | ('dockerHost' | 'data')
>;

interface HostOptions {
  config: HostConfig;
  docker: Docker;
  log: Log;
}

/** What one build may use: MiB and processors. */
export function limitsOf({ buildMemory: memory, buildCpus: cpus }: HostConfig) {
  return { ...(memory === undefined ? {} : { memory }), ...(cpus === undefined ? {} : { cpus }) };
}

/** Lets builds begin where there is room; another machine's room cannot be seen from here. */
export function admissionOf({
  config,
  docker,
  cleanSoon: clean,
}: Omit<HostOptions, 'log'> & { cleanSoon: () => void }): Admission {
  if (!isLocalDocker(config.dockerHost)) return { admit: async () => undefined };
  return createAdmission({
    watermarks: {
      memory: config.buildFreeMemory * mebibyte,
      disk: parseDiskWatermark(config.buildFreeDisk),
    },
    room: roomOf({ docker, data: config.data }),
    clean,
  });
}

/** Limits all builds of this host together, where BuildKit heeds no limits of one. */
export async function capBuilds({ config, docker, log }: HostOptions): Promise<void> {
  const { buildMemory, buildCpus, buildSlots, dockerHost, builder } = config;
  if (builder === 'classic' || (buildMemory === undefined && buildCpus === undefined)) return;
  const cap = {
    ...(buildMemory === undefined ? {} : { memory: buildMemory * buildSlots * mebibyte }),
    ...(buildCpus === undefined ? {} : { cpus: buildCpus * buildSlots }),
  };
  const why = await capBuildKit({ docker, dockerHost, cap }).catch(messageOf);
  if (why === undefined) log.info(cap, 'BuildKit is limited to what all builds may use together');
  else log.warn({ why }, 'BuildKit is not limited: EKIDEN_BUILDER=classic heeds limits');
}
