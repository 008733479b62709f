/** Ekiden's own API, as its command line uses it. */
import { buffer, text } from 'node:stream/consumers';
import type { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { type Ask, askEkiden, type EkidenConnection, unreachable } from './ekiden-request.ts';
import * as schemas from './ekiden-schemas.ts';
import { type FollowedPart, followLog } from './ekiden-socket.ts';

export type {
  BuildAnswer,
  CleaningAnswer,
  DeploymentAnswer,
  FragmentAnswer,
  FragmentSummaryAnswer,
  InstanceAnswer,
  ProjectAnswer,
  RegistrationAnswer,
  ServiceAnswer,
} from './ekiden-schemas.ts';
export type { EkidenConnection, FollowedPart };

/** A service in an environment of a project, which is named by its id or path. */
export interface ServicePlace {
  project: string;
  environment: string;
  service: string;
}

/** A log that can be read in parts. */
export interface RemoteLog {
  /** Its last bytes, at most so many, and the place behind them; undefined where there is none. */
  tail(bytes: number): Promise<{ bytes: Buffer; end: number } | undefined>;
  /** All of it as it is now; undefined where there is none. */
  read(): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** From a byte on (negative: before the end) and what comes after, over breaks of the connection. */
  follow(from: number, signal: AbortSignal): AsyncIterable<FollowedPart>;
}

export type EkidenApi = ReturnType<typeof createEkidenApi>;

/** Answers are the API's own, whatever a newer one adds; errors are EkidenErrors with its words. */
export function createEkidenApi(connection: EkidenConnection) {
  return {
    ...projectCalls(connection),
    ...buildCalls(connection),
    ...deploymentCalls(connection),
    ...serviceCalls(connection),
    ...fragmentCalls(connection),
    clean: (dryRun: boolean) =>
      json(connection, schemas.cleaningSchema, '/clean', { method: 'POST', body: { dryRun } }),
  };
}

function projectCalls(connection: EkidenConnection) {
  return {
    project: (project: string) => json(connection, schemas.projectSchema, ofProject(project)),
    enable: (project: string) =>
      json(connection, schemas.registrationSchema, `${ofProject(project)}/hook`, { method: 'PUT' }),
    disable: (project: string) =>
      json(connection, schemas.hookRemovalSchema, `${ofProject(project)}/hook`, {
        method: 'DELETE',
      }),
    remove: (project: string, environment?: string) => {
      const path =
        environment === undefined ? ofProject(project) : inEnvironment(project, environment);
      return json(connection, schemas.removedSchema, path, { method: 'DELETE' });
    },
  };
}

function buildCalls(connection: EkidenConnection) {
  const path = (project: string, id: string) => `${ofProject(project)}/builds/${part(id)}`;
  return {
    builds: (project: string, limit: number) =>
      json(connection, schemas.buildsSchema, `${ofProject(project)}/builds?limit=${limit}`),
    build: (project: string, id: string) =>
      json(connection, schemas.buildSchema, path(project, id)),
    requestBuild: (project: string, ref: string) =>
      json(connection, schemas.requestedBuildSchema, `${ofProject(project)}/builds`, {
        method: 'POST',
        body: { ref },
      }),
    cancelBuild: (project: string, id: string) =>
      json(connection, schemas.buildSchema, `${path(project, id)}/cancel`, { method: 'POST' }),
    retryBuild: (project: string, id: string, body: WantedRetry) =>
      json(connection, schemas.requestedBuildSchema, `${path(project, id)}/retry`, {
        method: 'POST',
        body,
      }),
    buildLog: (project: string, id: string) => remoteLog(connection, `${path(project, id)}/log`),
  };
}

function deploymentCalls(connection: EkidenConnection) {
  const requested = schemas.requestedDeploymentsSchema;
  return {
    deployment: (project: string, id: string) =>
      json(connection, schemas.deploymentSchema, `${ofProject(project)}/deployments/${part(id)}`),
    deploy: (project: string, body: WantedDeployment) =>
      json(connection, requested, `${ofProject(project)}/deployments`, { method: 'POST', body }),
    rollback: (project: string, environment: string, body: WantedRollback) =>
      json(connection, requested, `${inEnvironment(project, environment)}/rollback`, {
        method: 'POST',
        body,
      }),
  };
}

function fragmentCalls(connection: EkidenConnection) {
  return {
    fragments: () => json(connection, schemas.fragmentsSchema, '/fragments'),
    fragment: (name: string, { limit, ...others }: WantedUsers) => {
      const query = new URLSearchParams({ limit: String(limit), ...others });
      return json(connection, schemas.fragmentSchema, `/fragments/${part(name)}?${query}`);
    },
  };
}

export interface WantedUsers {
  limit: number;
  cursor?: string;
  /** Only those whose next build would take it. */
  version?: string;
}

export interface WantedRetry {
  /** With the very fragments that the build had. */
  exactly?: boolean;
  /** False: nothing that was made before is used. */
  cache?: boolean;
}

export interface WantedDeployment {
  environment: string;
  services?: string[];
  /** Whose image; by default the one that runs. */
  build?: string;
}

export interface WantedRollback {
  services?: string[];
  /** By default the one before the current. */
  release?: number;
}

function serviceCalls(connection: EkidenConnection) {
  const { serviceSchema, instancesSchema, filesSchema } = schemas;
  const filesOf = (place: ServicePlace, instance: string) =>
    `${ofService(place)}/instances/${part(instance)}/files`;
  return {
    service: (place: ServicePlace) => json(connection, serviceSchema, ofService(place)),
    scale: (place: ServicePlace, instances: number) =>
      json(connection, serviceSchema, `${ofService(place)}/scale`, {
        method: 'PUT',
        body: { instances },
      }),
    restart: (place: ServicePlace) =>
      json(connection, serviceSchema, `${ofService(place)}/restart`, { method: 'POST' }),
    instances: (place: ServicePlace) =>
      json(connection, instancesSchema, `${ofService(place)}/instances`),
    files: (place: ServicePlace, instance: string) =>
      json(connection, filesSchema, filesOf(place, instance)),
    file: (place: ServicePlace, instance: string, path: string) =>
      remoteLog(connection, `${filesOf(place, instance)}/${path.split('/').map(part).join('/')}`),
  };
}

const part = encodeURIComponent;
const ofProject = (project: string) => `/projects/${part(project)}`;
const inEnvironment = (project: string, environment: string) =>
  `${ofProject(project)}/environments/${part(environment)}`;
const ofService = ({ project, environment, service }: ServicePlace) =>
  `${inEnvironment(project, environment)}/services/${part(service)}`;

async function json<T extends z.ZodType>(
  connection: EkidenConnection,
  schema: T,
  path: string,
  ask?: Ask,
): Promise<z.output<T>> {
  const response = await askEkiden(connection, path, ask);
  const parsed = schema.safeParse(parseJson(await text(bodyOf(connection, response))));
  if (parsed.success) return parsed.data;
  throw new RemoteError(`${connection.url} answers something that this version does not know.`, {
    code: 'E_EKIDEN_ANSWER',
    hint: 'Use the command line of the same version as Ekiden.',
  });
}

/** Codes that mean that there is no log, or none of these bytes yet. */
const noLog = new Set(['E_NO_FILE', 'E_NO_LOG']);

function remoteLog(connection: EkidenConnection, path: string): RemoteLog {
  return {
    async tail(bytes) {
      const ask = { range: `bytes=-${bytes}`, expected: [416] };
      const response = await askEkiden(connection, path, ask).catch(absent);
      if (!response) return undefined;
      // Nothing can be taken of an empty file.
      if (response.status === 416) return { bytes: Buffer.alloc(0), end: 0 };
      const found = await buffer(bodyOf(connection, response));
      const last = /^bytes \d+-(\d+)\//.exec(response.headers.get('content-range') ?? '')?.[1];
      return { bytes: found, end: last === undefined ? found.length : Number(last) + 1 };
    },
    async read() {
      const response = await askEkiden(connection, path).catch(absent);
      return response && bodyOf(connection, response);
    },
    follow: (from, signal) => followLog(connection, { path, from, signal }),
  };
}

/** @throws RemoteError when it is cut */
async function* bodyOf(
  connection: EkidenConnection,
  { body }: Response,
): AsyncGenerator<Uint8Array> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreachable(connection, error);
  }
}

function absent(error: unknown): undefined {
  if (noLog.has((error as { code?: string }).code ?? '')) return undefined;
  throw error;
}
