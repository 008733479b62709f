/** What the parts of the engine share. */
import type { Log } from '../core/log.ts';
import type { Publish } from './api/event-stream.ts';
import type { DockerHost } from './docker/docker-host.ts';
import type { LaunchDelays } from './launch/launch-delays.ts';
import type { Node } from './launch/node.ts';
import type { OfferBook } from './launch/offers.ts';
import type { PortAllocator } from './launch/ports.ts';
import type { Sandboxes } from './sandbox/sandbox.ts';
import type { Cluster } from './state/cluster.ts';
import type { VersionClock } from './state/version-clock.ts';

export interface Context {
  cluster: Cluster;
  publish: Publish;
  clock: VersionClock;
  delays: LaunchDelays;
  offers: OfferBook;
  node: Node;
  dockerHost: DockerHost;
  ports: PortAllocator;
  sandboxes: Sandboxes;
  install: string;
  /** Of this engine, as it tells it and labels its containers. */
  frameworkId: string;
  /** The address that instances are reached at; ports are published there. */
  host: string;
  /** Has an app looked at again, soon. */
  touch: (appId: string) => void;
  /** Fires when the engine stops. */
  signal: AbortSignal;
  log: Log;
}
