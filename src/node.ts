/** Ties together what the role node does on its host: it knows instances, measures them and reads their logs. */
import { hostname, networkInterfaces } from 'node:os';
import { connectDocker, type Docker } from './clients/docker.ts';
import { createNodeSignature } from './clients/node-signature.ts';
import { connectRedis } from './clients/redis.ts';
import type { ConfigOf } from './config.ts';
import { addressOf, formatAddress } from './core/address.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { LogFiles } from './core/log-file.ts';
import type { ListeningPorts, NodeInstances, NodeSignature, Nodes } from './core/node.ts';
import type { Metrics } from './core/sample.ts';
import { createLogFiles } from './logs/log-files.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createInstances } from './node/instances.ts';
import { createListening } from './node/listening.ts';
import { createNodes } from './stores/nodes.ts';
import { createSecrets, type Secrets } from './stores/secrets.ts';

/** All that the role needs; a compute host need not hold what opens GitLab. */
export const nodeSettings = [
  ...(['redisUrl', 'dockerHost', 'data', 'install'] as const),
  ...(['nodeListen', 'nodeUrl', 'logLevel'] as const),
] as const;

export type NodeConfig = ConfigOf<(typeof nodeSettings)[number]>;

export interface NodeOptions {
  config: Pick<NodeConfig, 'data' | 'install' | 'nodeListen' | 'nodeUrl'>;
  docker: Docker;
  nodes: Nodes;
  secrets: Pick<Secrets, 'get'>;
  log: Log;
}

export interface Node {
  listen: string;
  log: Log;
  instances: NodeInstances;
  logFiles: LogFiles;
  metrics: Metrics;
  listening: ListeningPorts;
  signature: Pick<NodeSignature, 'refusalOf'>;
  /** Begins to look and to measure. */
  start(): Promise<void>;
  /** Tells the others, from now on, that this node answers at `port`. */
  announce(port: number): Promise<void>;
  /** Tells the others that this node goes. */
  leave(): Promise<void>;
  /** Closes every file. */
  stop(): Promise<void>;
}

/** Well below the time after which a silent node is forgotten. */
const reportEvery = 15_000;

export function createNode({ config, docker, nodes, secrets, log }: NodeOptions): Node {
  const instances = createInstances({ ...config, docker, log });
  const metrics = createMetrics({ instances, log });
  const listening = createListening({ instances, log });
  const name = hostname();
  let signature: NodeSignature | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** The secret is read each time, since a Redis that lost its data has another. */
  async function report(url: string): Promise<void> {
    signature = createNodeSignature(await secrets.get('node'));
    await nodes.report({ name, url, hosts: hostsOf(name), at: Date.now() });
  }

  return {
    ...{ listen: config.nodeListen, log, instances, metrics, listening },
    logFiles: createLogFiles(instances),
    signature: {
      refusalOf: (...request) =>
        signature ? signature.refusalOf(...request) : 'The node has not reached Redis yet.',
    },
    async start() {
      await instances.start();
      metrics.start();
      listening.start();
    },
    async announce(port) {
      const url = config.nodeUrl ?? urlOf(config.nodeListen, port);
      const tell = () =>
        report(url).catch((error: unknown) =>
          log.warn({ error: messageOf(error) }, 'the node cannot report'),
        );
      timer = setInterval(() => void tell(), reportEvery);
      await tell();
    },
    async leave() {
      clearInterval(timer);
      // Without Redis the others forget the node by themselves.
      await nodes.leave(name).catch(() => undefined);
    },
    async stop() {
      metrics.stop();
      await listening.stop();
      await instances.stop();
    },
  };
}

export interface NodeAlone extends Node {
  /** True when Redis answers. */
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

/** The node without the rest of Ekiden. */
export function createNodeAlone(config: NodeConfig & { redisUrl: string }, log: Log): NodeAlone {
  const redis = connectRedis({ url: config.redisUrl, whenAway: 'fail' });
  const store = { redis, prefix: `ekiden:${config.install}` };
  const node = createNode({
    ...{ config, log },
    docker: connectDocker(config.dockerHost),
    nodes: createNodes(store),
    secrets: createSecrets(store),
  });
  return {
    ...node,
    isReady: () =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    async close() {
      redis.disconnect();
    },
  };
}

/** Names and addresses of this host; those of a single link, as containers have them, say nothing. */
function hostsOf(name: string): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = all.map(({ address }) => address).filter((each) => !each.startsWith('fe80:'));
  const [short = name] = name.split('.');
  return [...new Set([name, short, ...addresses])];
}

/** A node that listens on all addresses is named by its first one that others may reach. */
function urlOf(listen: string, port: number): string {
  const { host } = addressOf(listen);
  if (host !== '0.0.0.0' && host !== '::') return `http://${formatAddress({ host, port })}`;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  return `http://${reachable?.address ?? '127.0.0.1'}:${port}`;
}
