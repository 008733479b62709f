/** Makes the data centres of the settings, and tells people how each is. */
import { createDataCentres, type DataCentres } from './clients/data-centres.ts';
import { createMarathon } from './clients/marathon.ts';
import type { Config } from './config.ts';
import { connectionsOf, type MarathonSettings, withoutUser } from './config-data-centres.ts';
import type { BalancerSync, DataCentreReports, DataCentreStatus } from './core/data-centre.ts';
import { messageOf } from './core/errors.ts';
import { type Log, withFields } from './core/log.ts';
import { oldAfter } from './core/sync.ts';
import type { Balancers } from './stores/balancers.ts';

/** Connects to nothing until something is asked of one. */
export function openDataCentres(config: Pick<Config, MarathonSettings>, log: Log): DataCentres {
  const all = Object.entries(connectionsOf(config)).map(([name, connection]) => ({
    name,
    marathon: createMarathon({ ...connection, log: withFields(log, { dataCentre: name }) }),
    addresses: connection.addresses.map(withoutUser),
  }));
  const { defaultDataCentres: defaults } = config;
  return createDataCentres({ all, ...(defaults ? { defaults } : {}) });
}

export interface ReportsOptions {
  dataCentres: DataCentres;
  balancers: Pick<Balancers, 'following'>;
  install: string;
}

type Followed = Awaited<ReturnType<Balancers['following']>>;

export function createDataCentreReports(options: ReportsOptions): DataCentreReports {
  const { dataCentres, balancers } = options;
  return {
    async list() {
      const followed = await balancers.following();
      const all = dataCentres.list().map(({ name }) => statusOf(options, name, followed));
      return Promise.all(all);
    },
    async syncs() {
      const followed = await balancers.following();
      return dataCentres
        .list()
        .flatMap(({ name }) =>
          syncsOf(followed, name).map((sync) => ({ ...sync, dataCentre: name })),
        );
    },
  };
}

async function statusOf(
  options: ReportsOptions,
  name: string,
  followed: Followed,
): Promise<DataCentreStatus> {
  const { dataCentres } = options;
  const { addresses = [] } = dataCentres.find(name);
  const isDefault = dataCentres.defaults().includes(name);
  const common = { name, addresses, isDefault, balancers: syncsOf(followed, name) };
  try {
    return { ...common, state: 'up', ...(await knownOf(options, name)) };
  } catch (error) {
    const noticed = followed.flatMap(({ syncs }) =>
      syncs.flatMap(({ dataCentre, awaySince }) => (dataCentre === name && awaySince) || []),
    );
    const awaySince = Math.min(dataCentres.awaySince(name) ?? Date.now(), ...noticed);
    return { ...common, state: 'away', reason: messageOf(error), awaySince };
  }
}

function knownOf({ dataCentres, install }: ReportsOptions, name: string) {
  return dataCentres.ask(name, async (marathon, limits) => {
    const label = `ekiden.install==${install}`;
    const [{ version, leader }, apps] = await Promise.all([
      marathon.info(limits),
      marathon.apps({ label, ...limits }),
    ]);
    const sum = (of: (app: (typeof apps)[number]) => number) =>
      apps.reduce((total, app) => total + of(app), 0);
    const instances = {
      wanted: sum((app) => app.instances),
      running: sum(({ tasks }) => tasks.filter(({ state }) => state === 'TASK_RUNNING').length),
    };
    return { version, ...(leader ? { leader } : {}), apps: apps.length, instances };
  });
}

/** Of the balancers that send requests to the data centre. */
function syncsOf(followed: Followed, name: string): BalancerSync[] {
  return followed
    .filter(({ dataCentres }) => dataCentres.includes(name))
    .map(({ balancer, syncs }) => {
      const sync = syncs.find(({ dataCentre }) => dataCentre === name);
      const { syncedAt, streamAt } = sync ?? {};
      return {
        balancer,
        ...(syncedAt === undefined ? {} : { syncedAt }),
        ...(streamAt === undefined ? {} : { streamAt }),
        isOld: syncedAt === undefined || Date.now() - syncedAt > oldAfter,
      };
    });
}
