/** The data centres of an installation: each is one Marathon and its nodes. */
import { ConflictError, messageOf, RemoteError } from '../core/errors.ts';
import type { Marathon, MarathonApp } from './marathon.ts';

export interface DataCentre {
  name: string;
  marathon: Marathon;
  /** Of its Marathon, as people may see them. */
  addresses?: readonly string[];
}

/** An app with the data centre that it is in; the same id may be in several. */
export interface PlacedApp extends MarathonApp {
  dataCentre: string;
}

/** A data centre that did not answer, and why. */
export interface Away {
  dataCentre: string;
  error: unknown;
  reason: string;
  /** Milliseconds since the epoch at which this process first noticed. */
  since: number;
}

export interface FoundApps {
  apps: PlacedApp[];
  away: Away[];
}

/** How long a question may take, and how often it is asked. */
export interface Limits {
  signal: AbortSignal;
  retries?: number;
}

export interface DataCentres {
  /** All of them in the order of the settings; never empty. */
  list(): readonly DataCentre[];
  /** @throws ConflictError when there is none of that name. */
  find(name: string): DataCentre;
  /** Where a service goes whose manifest names none. */
  defaults(): readonly string[];
  /**
   * Apps of all data centres that answer, with their tasks; one that does not is waited for some seconds.
   * @throws the error of the first where none answers.
   */
  apps(options?: { label?: string }): Promise<FoundApps>;
  /** Asks one, and notes whether it is there. */
  ask<T>(name: string, work: Work<T>): Promise<T>;
  /** Since when it does not answer, as far as this process knows. */
  awaySince(name: string): number | undefined;
  close(): Promise<void>;
}

export interface DataCentresOptions {
  all: readonly DataCentre[];
  /** Default: all. */
  defaults?: readonly string[];
}

type Work<T> = (marathon: Marathon, limits: Limits) => Promise<T>;

/** Milliseconds for one that answered last time, and for one that did not. */
const patience = { usual: 10_000, away: 2_000 };

export function createDataCentres({ all, defaults }: DataCentresOptions): DataCentres {
  const names = all.map(({ name }) => name);
  const find = (name: string) =>
    all.find((each) => each.name === name) ?? noDataCentre(name, names);
  const { ask, awaySince } = createAsking(find);

  return {
    list: () => all,
    find,
    defaults: () => defaults ?? names,
    ask,
    awaySince: (name) => awaySince.get(name),
    async apps(options) {
      const apps: PlacedApp[] = [];
      const away: Away[] = [];
      const read = async (dataCentre: string) => {
        try {
          const found = await ask(dataCentre, (marathon, limits) =>
            marathon.apps({ ...options, ...limits }),
          );
          apps.push(...found.map((app) => ({ ...app, dataCentre })));
        } catch (error) {
          const since = awaySince.get(dataCentre) ?? Date.now();
          away.push({ dataCentre, error, reason: messageOf(error), since });
        }
      };
      await Promise.all(names.map(read));
      if (away[0] && away.length === all.length) throw away[0].error;
      return { apps, away };
    },
    async close() {
      await Promise.all(all.map(({ marathon }) => marathon.close()));
    },
  };
}

function createAsking(find: DataCentres['find']) {
  const awaySince = new Map<string, number>();
  /** Those that are away, and have more time than whoever asked. */
  const late = new Set<string>();

  async function question<T>(name: string, work: Work<T>, limit: number, few?: { retries: 0 }) {
    const signal = AbortSignal.timeout(limit);
    try {
      const answer = await work(find(name).marathon, { signal, ...few });
      awaySince.delete(name);
      return answer;
    } catch (error) {
      if (!awaySince.has(name)) awaySince.set(name, Date.now());
      throw signal.aborted ? silentFor(name, limit, error) : error;
    }
  }

  /** Nobody waits long for one that is away; but one that is only slow is back with its late answer. */
  async function ask<T>(name: string, work: Work<T>): Promise<T> {
    if (!awaySince.has(name)) return question(name, work, patience.usual);
    if (late.has(name)) return question(name, work, patience.away, { retries: 0 });
    late.add(name);
    const answer = question(name, work, patience.usual, { retries: 0 });
    return impatiently(
      answer.finally(() => late.delete(name)),
      () => silentFor(name, patience.away),
    );
  }

  return { ask, awaySince };
}

async function impatiently<T>(answer: Promise<T>, otherwise: () => RemoteError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(otherwise()), patience.away);
  });
  return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
}

function silentFor(name: string, limit: number, cause?: unknown): RemoteError {
  const seconds = limit / 1000;
  return new RemoteError(`Marathon of ${name} did not answer within ${seconds} s.`, {
    code: 'E_MARATHON_TIMEOUT',
    cause,
  });
}

function noDataCentre(name: string, known: string[]): never {
  throw new ConflictError(`There is no data centre ${name}.`, {
    code: 'E_DATA_CENTRE',
    hint: `There are ${known.join(', ')}; an administrator adds others to the settings.`,
  });
}
