/** What is shared by all that createEkiden puts together. */
import type { DataCentres } from './clients/data-centres.ts';
import type { Docker } from './clients/docker.ts';
import type { GitLab } from './clients/gitlab.ts';
import type { Registry } from './clients/registry.ts';
import type { Config } from './config.ts';
import { addressOf } from './core/address.ts';
import type { Log } from './core/log.ts';
import { urlOfAddress } from './deploy/names.ts';
import type { Stores } from './stores/index.ts';

/** Settings with every default part replaced by the address of a real one. */
export type ReadyConfig = Config & {
  url: string;
  redisUrl: string;
  registryUrl: string;
  marathonUrl: string[];
  /** Milliseconds that a hook waits for the queue before its delivery goes to the spool; 25 unless given. */
  hookPatience?: number;
};

export interface Parts {
  config: ReadyConfig;
  log: Log;
  stores: Stores;
  gitlab: GitLab;
  docker: Docker;
  registry: Registry;
  dataCentres: DataCentres;
}

/** Ekiden's own login at the registry; undefined where the settings hold none. */
export function registryLoginOf(config: Pick<Config, 'registryUser' | 'registryPassword'>) {
  const { registryUser: username, registryPassword: password } = config;
  return username && password ? { username, password } : undefined;
}

/** Makes of an address, `host` or `host/path`, the URL that people follow. */
export function urlMaker({ nginxListen }: Pick<Config, 'nginxListen'>) {
  const { port } = addressOf(nginxListen);
  return (address: string) => urlOfAddress(address, port);
}
