/** Ties discovery to nginx on this host, and tells deployments which instances get requests. */
import { hostname } from 'node:os';
import type { Marathon } from './clients/marathon.ts';
import type { Config } from './config.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { Upstream } from './core/upstream.ts';
import { createDiscovery, createNginx } from './discovery/index.ts';
import { templatesFolder } from './paths.ts';
import type { Balancers } from './stores/balancers.ts';

export interface BalanceOptions {
  config: Pick<Config, 'nginxListen' | 'nginxMode' | 'data' | 'install'>;
  marathon: Marathon;
  balancers: Balancers;
  log: Log;
}

export interface Balance {
  /** @throws SetupError when nginx is missing or its address is taken. */
  start(): Promise<void>;
  /** Stops following; nginx goes on, since apps are to be reached without Ekiden too. */
  stop(): Promise<void>;
}

/** Well below the time after which a silent balancer is forgotten. */
const aliveEvery = 15_000;

export function createBalance({ config, marathon, balancers, log }: BalanceOptions): Balance {
  const { data, install } = config;
  const me = hostname();
  const nginx = createNginx({
    listen: config.nginxListen,
    mode: config.nginxMode,
    templates: templatesFolder,
    ...{ data, install, log },
  });
  const report = (upstreams: Upstream[]) =>
    balancers
      .report(me, upstreams.map(toReport))
      .catch((error) => log.warn({ error: messageOf(error) }, 'the balancer cannot report'));
  const discovery = createDiscovery({
    ...{ marathon, nginx, install, log },
    onApplied: ({ upstreams }) => void report(upstreams),
  });
  let timer: NodeJS.Timeout | undefined;

  return {
    async start() {
      await nginx.start();
      await report([]);
      await discovery.start();
      timer = setInterval(() => void report([]), aliveEvery);
    },
    async stop() {
      clearInterval(timer);
      await discovery.stop();
      await nginx.release();
      await balancers.leave(me);
    },
  };
}

function toReport({ app, members }: Upstream) {
  return { app, instances: members.map(({ instance }) => instance) };
}
