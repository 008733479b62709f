/** A thin client of Marathon's REST API (1.5 to 1.11), for one or several addresses of one Marathon. */
import { z } from 'zod';
import { NotFoundError, RemoteError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type FollowOptions, followEvents } from './marathon-events.ts';
import {
  appSchema,
  type DeploymentResult,
  deploymentResultSchema,
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
  type MarathonCredentials,
  type MarathonRequest,
  type MarathonTimeouts,
  type Transport,
} from './marathon-transport.ts';

export { AppLockedError } from './marathon-errors.ts';
export type * from './marathon-model.ts';

/** Whether to cancel what other deployments do to the app; without it a locked app is refused. */
export interface Force {
  force?: boolean;
}

interface Abortable {
  signal?: AbortSignal | undefined;
}

/**
 * What Ekiden asks of Marathon. Writes throw AppLockedError (a ConflictError) while the app is
 * locked, NotFoundError, InputError with Marathon's reasons, or RemoteError.
 */
export interface Marathon {
  /** The app with its tasks, counts and deployments; undefined when there is none. */
  app(id: string, options?: Abortable): Promise<MarathonApp | undefined>;
  /** All apps with their tasks, or those that a label selector such as `a==b` picks. */
  apps(options?: Abortable & { label?: string }): Promise<MarathonApp[]>;
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
  killTasks(ids: string[], options?: { scale?: boolean }): Promise<DeploymentResult | undefined>;
  queue(): Promise<MarathonQueueItem[]>;
  info(): Promise<MarathonInfo>;
  /** True when a Marathon answers, asked once. */
  ping(): Promise<boolean>;
  /** Calls back for every event until `signal` aborts, through every break of the stream. */
  follow(options: FollowOptions): Promise<void>;
  /** Drops kept connections; requests under way fail. */
  close(): Promise<void>;
}

export interface MarathonOptions {
  /** In the order of preference, such as `http://marathon1:8080`; may hold user and password. */
  addresses: string[];
  credentials?: MarathonCredentials | undefined;
  timeouts?: MarathonTimeouts | undefined;
  log: Log;
}

/** Connects to nothing until the first call. */
export function createMarathon(options: MarathonOptions): Marathon {
  const { timeouts = {}, log } = options;
  const transport = createTransport(options);
  return {
    ...readsOver(transport),
    ...writesOver(transport),
    follow: (wanted) => followEvents({ ...wanted, transport, timeouts, log }),
    close: transport.close,
  };
}

type Extra = Pick<MarathonRequest, 'query' | 'signal'>;

function readsOver({ send }: Transport) {
  const get = async <T extends z.ZodType>(schema: T, path: string, more: Extra = {}) =>
    parse(schema, (await send({ method: 'GET', path, ...more })).body, path);
  const one = z.object({ app: appSchema });
  const all = z.object({ apps: z.array(appSchema) });
  const queued = z.object({ queue: z.array(queueItemSchema) });

  return {
    app: async (id, { signal } = {}) =>
      (await unlessMissing(get(one, pathOf(id), { signal })))?.app,
    apps: async ({ label, signal } = {}) =>
      (await get(all, '/v2/apps', { query: { embed: 'apps.tasks', label }, signal })).apps,
    deployments: () => get(z.array(deploymentSchema), '/v2/deployments'),
    queue: async () => (await get(queued, '/v2/queue')).queue,
    info: () => get(infoSchema, '/v2/info'),
    ping: () =>
      send({ method: 'GET', path: '/ping', retries: 0 }).then(
        () => true,
        () => false,
      ),
  } satisfies Partial<Marathon>;
}

function writesOver({ send }: Transport) {
  const deploy = async (asked: MarathonRequest) =>
    parse(deploymentResultSchema, (await send(asked)).body, asked.path);
  const maybeDeploy = async (asked: MarathonRequest) =>
    deploymentResultSchema.safeParse((await send(asked)).body).data;
  const put = (id: string, query: Record<string, boolean>, body: object) =>
    deploy({ method: 'PUT', path: pathOf(id), query, body });

  return {
    putApp: (body, { force = false } = {}) => put(body.id, { force, partialUpdate: false }, body),
    scale: (id, instances, { force = false } = {}) =>
      put(id, { force, partialUpdate: true }, { instances }),
    restart: (id, { force = false } = {}) =>
      deploy({ method: 'POST', path: `${pathOf(id)}/restart`, query: { force } }),
    // Of all writes, only deleting an app takes force for granted, so it is always said.
    deleteApp: (id, { force = false } = {}) =>
      unlessMissing(deploy({ method: 'DELETE', path: pathOf(id), query: { force } })),
    cancelDeployment: (id, { force = false } = {}) => {
      const path = `/v2/deployments/${encodeURIComponent(id)}`;
      return maybeDeploy({ method: 'DELETE', path, query: { force } });
    },
    killTasks: (ids, { scale = false } = {}) =>
      maybeDeploy({ method: 'POST', path: '/v2/tasks/delete', query: { scale }, body: { ids } }),
  } satisfies Partial<Marathon>;
}

function pathOf(id: string): string {
  const segments = id.split('/').filter((segment) => segment !== '');
  return `/v2/apps/${segments.map(encodeURIComponent).join('/')}`;
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function parse<T extends z.ZodType>(schema: T, body: unknown, path: string): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RemoteError(
    `The answer to ${path} is not Marathon's: ${z.prettifyError(parsed.error)}`,
    {
      code: 'E_MARATHON_ANSWER',
      hint: 'Check that MARATHON_URL names a Marathon.',
      retryable: false,
    },
  );
}
