/** A thin client of Marathon's REST API (1.5 to 1.11), for one or several addresses of one Marathon. */
import { z } from 'zod';
import { parse, pathOf, unlessMissing } from './marathon-answers.ts';
import { type FollowOptions, followEvents } from './marathon-events.ts';
import {
  appSchema,
  type DeploymentResult,
  deploymentSchema,
  infoSchema,
  type MarathonApp,
  type MarathonDeployment,
  type MarathonInfo,
  type MarathonQueueItem,
  queueItemSchema,
} from './marathon-model.ts';
import {
  createTransport,
  type MarathonRequest,
  type Transport,
  type TransportOptions,
} from './marathon-transport.ts';
import { writesOver } from './marathon-writes.ts';

export { AppLockedError } from './marathon-errors.ts';
export type * from './marathon-model.ts';

/** Whether to cancel what other deployments do to the app; without it a locked app is refused. */
export interface Force {
  force?: boolean;
}

interface Abortable {
  signal?: AbortSignal | undefined;
  /** Further rounds over all addresses after the first; default 3. */
  retries?: number;
}

/**
 * What Ekiden asks of Marathon. Writes throw AppLockedError (a ConflictError) while the app is
 * locked, NotFoundError, InputError with Marathon's reasons, or RemoteError.
 */
export interface Marathon {
  /** The app with its tasks, counts and deployments; undefined when there is none. */
  app(id: string, options?: Abortable): Promise<MarathonApp | undefined>;
  /**
   * All apps with their tasks, or those that a label selector such as `a==b` picks; with `failures` also
   * how the last instance of each failed.
   */
  apps(options?: Abortable & { label?: string; failures?: boolean }): Promise<MarathonApp[]>;
  /** Versions of the app's definition that Marathon keeps, newest first; none of an app that is not there. */
  versions(id: string): Promise<string[]>;
  /** The app's definition as it was in that version, with the values of its variables. */
  version(id: string, version: string): Promise<Record<string, unknown> | undefined>;
  /** Creates the app or replaces its whole definition. */
  putApp<T extends { id: string }>(definition: T, options?: Force): Promise<DeploymentResult>;
  /** Undefined when there was no such app. */
  deleteApp(id: string, options?: Force): Promise<DeploymentResult | undefined>;
  scale(id: string, instances: number, options?: Force): Promise<DeploymentResult>;
  restart(id: string, options?: Force): Promise<DeploymentResult>;
  deployments(): Promise<MarathonDeployment[]>;
  /** Starts a deployment back to the old state; with `force` only stops, and answers undefined. */
  cancelDeployment(id: string, options?: Force): Promise<DeploymentResult | undefined>;
  /** With `scale` the apps shrink by the tasks (a deployment), else the tasks are replaced. */
  killTasks(
    ids: string[],
    options?: Force & { scale?: boolean },
  ): Promise<DeploymentResult | undefined>;
  /** With `offers` also what the last nodes that could not take them had to give. */
  queue(options?: { offers?: boolean }): Promise<MarathonQueueItem[]>;
  info(options?: Abortable): Promise<MarathonInfo>;
  /** True when a Marathon answers, asked once. */
  ping(): Promise<boolean>;
  /** Calls back for every event until `signal` aborts, through every break of the stream. */
  follow(options: FollowOptions): Promise<void>;
  /** Drops kept connections; requests under way fail. */
  close(): Promise<void>;
}

/** `addresses` in the order of preference, such as `http://marathon1:8080`; may hold user and password. */
export type MarathonOptions = TransportOptions;

/** Connects to nothing until the first call. */
export function createMarathon(options: MarathonOptions): Marathon {
  const { timeouts = {}, ca, log } = options;
  const transport = createTransport(options);
  const reads = readsOver(transport);
  return {
    ...reads,
    ...writesOver(transport, reads.app),
    follow: (wanted) => followEvents({ ...wanted, transport, timeouts, ca, log }),
    close: transport.close,
  };
}

const versionList = z.object({ versions: z.array(z.string()) });
const anyObject = z.record(z.string(), z.unknown());

type Extra = Pick<MarathonRequest, 'query' | 'signal' | 'retries'>;

function readsOver({ send }: Transport) {
  const get = async <T extends z.ZodType>(schema: T, path: string, more: Extra = {}) =>
    parse(schema, (await send({ method: 'GET', path, ...more })).body, path);
  const one = z.object({ app: appSchema });
  const all = z.object({ apps: z.array(appSchema) });
  const queued = z.object({ queue: z.array(queueItemSchema) });

  return {
    app: async (id, limits = {}) => (await unlessMissing(get(one, pathOf(id), limits)))?.app,
    apps: async ({ label, failures = false, ...limits } = {}) => {
      const embed = failures ? 'apps.failures' : 'apps.tasks';
      return (await get(all, '/v2/apps', { query: { embed, label }, ...limits })).apps;
    },
    versions: async (id) =>
      // Timestamps of one form, so that text in order is time in order.
      (await unlessMissing(get(versionList, `${pathOf(id)}/versions`)))?.versions
        .sort()
        .reverse() ?? [],
    version: (id, version) =>
      unlessMissing(get(anyObject, `${pathOf(id)}/versions/${encodeURIComponent(version)}`)),
    deployments: () => get(z.array(deploymentSchema), '/v2/deployments'),
    queue: async ({ offers = false } = {}) => {
      const query = offers ? { embed: 'lastUnusedOffers' } : {};
      return (await get(queued, '/v2/queue', { query })).queue;
    },
    info: (limits = {}) => get(infoSchema, '/v2/info', limits),
    ping: () =>
      send({ method: 'GET', path: '/ping', retries: 0 }).then(
        () => true,
        () => false,
      ),
  } satisfies Partial<Marathon>;
}
