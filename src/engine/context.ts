/** What the parts of the engine share. */
import type { Log } from '../core/log.ts';
import type { Cluster } from './cluster.ts';
import type { DockerHost } from './docker-host.ts';
import type { Publish } from './event-stream.ts';
import type { LaunchDelays } from './launch-delays.ts';
import type { PortAllocator } from './ports.ts';
import type { Sandboxes } from './sandbox.ts';
import type { VersionClock } from './version-clock.ts';

export interface Context {
  cluster: Cluster;
  publish: Publish;
  clock: VersionClock;
  delays: LaunchDelays;
  dockerHost: DockerHost;
  ports: PortAllocator;
  sandboxes: Sandboxes;
  install: string;
  /** The address that instances are reached at; ports are published there. */
  host: string;
  /** Has an app looked at again, soon. */
  touch: (appId: string) => void;
  /** Fires when the engine stops. */
  signal: AbortSignal;
  log: Log;
}
