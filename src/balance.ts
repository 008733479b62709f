/** Ties discovery to nginx on this host, and tells deployments which instances get requests. */
import { hostname } from 'node:os';
import type { DataCentres } from './clients/data-centres.ts';
import type { Config } from './config.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { oldAfter, type Sync } from './core/sync.ts';
import type { TrafficStore } from './core/traffic.ts';
import type { Upstream } from './core/upstream.ts';
import { createDiscovery, createNginx } from './discovery/index.ts';
import { templatesFolder } from './paths.ts';
import type { Balancers } from './stores/balancers.ts';

export interface BalanceOptions {
  config: Pick<Config, 'nginxListen' | 'nginxMode' | 'data' | 'install' | 'balanceDataCentres'>;
  dataCentres: Pick<DataCentres, 'list'>;
  balancers: Balancers;
  traffic: TrafficStore;
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

export function createBalance(options: BalanceOptions): Balance {
  const { config, balancers, traffic, log } = options;
  const { data, install } = config;
  const me = hostname();
  const nginx = createNginx({
    listen: config.nginxListen,
    mode: config.nginxMode,
    templates: templatesFolder,
    ...{ data, install, log },
  });
  const dataCentres = followedOf(options);
  const names = dataCentres.map(({ name }) => name);
  const report = (upstreams: Upstream[]) =>
    balancers
      .report(me, upstreams.map(toReport), { dataCentres: names, syncs: discovery.syncs() })
      .catch((error) => log.warn({ error: messageOf(error) }, 'the balancer cannot report'));
  const discovery = createDiscovery({
    ...{ dataCentres, nginx, install, traffic, log },
    onApplied: ({ upstreams }) => void report(upstreams),
  });
  const warnOfOld = createWarning(log);
  let timer: NodeJS.Timeout | undefined;

  return {
    async start() {
      await nginx.start();
      await report([]);
      await discovery.start();
      timer = setInterval(() => {
        warnOfOld(discovery.syncs());
        void report([]);
      }, aliveEvery);
    },
    async stop() {
      clearInterval(timer);
      await discovery.stop();
      await nginx.release();
      await balancers.leave(me);
    },
  };
}

/** The data centres whose instances this balancer sends requests to. */
function followedOf({ config, dataCentres }: BalanceOptions) {
  const { balanceDataCentres: wanted } = config;
  return dataCentres.list().filter(({ name }) => !wanted || wanted.includes(name));
}

/** Milliseconds between two warnings of the same. */
const warnEvery = 600_000;

/** Instances that are gone may still get requests where nothing has been confirmed for long. */
function createWarning(log: Log) {
  const warned = new Map<string, number>();
  return (syncs: Sync[]): void => {
    const now = Date.now();
    for (const { dataCentre, syncedAt, reason } of syncs) {
      const age = syncedAt === undefined ? undefined : now - syncedAt;
      if (age !== undefined && age < oldAfter) warned.delete(dataCentre);
      else if (now - (warned.get(dataCentre) ?? 0) >= warnEvery) {
        warned.set(dataCentre, now);
        const fields = { dataCentre, seconds: age && Math.round(age / 1000), reason };
        log.warn(fields, 'what is known of a data centre was not confirmed for long');
      }
    }
  };
}

/** Of an instance that gets no new requests a deployment need not wait to hear. */
function toReport({ app, members }: Upstream) {
  const taking = members.filter(({ weight }) => weight > 0);
  return { app, instances: taking.map(({ instance }) => instance) };
}
