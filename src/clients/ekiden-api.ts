/** Ekiden's own API, as its command line uses it. */
import {
  inEnvironment,
  json,
  ofProject,
  ofService,
  part,
  type ServicePlace,
} from './ekiden-calls.ts';
import { environmentCalls } from './ekiden-environments.ts';
import { jobCalls } from './ekiden-jobs.ts';
import { type RemoteLog, remoteLog } from './ekiden-log.ts';
import { releaseCalls } from './ekiden-releases.ts';
import type { EkidenConnection } from './ekiden-request.ts';
import * as schemas from './ekiden-schemas.ts';
import type { FollowedPart } from './ekiden-socket.ts';

export type { WantedJob } from './ekiden-jobs.ts';
export type {
  DiffAnswer,
  PlannedAnswer,
  ReleaseAnswer,
  ServiceDiffAnswer,
} from './ekiden-release-schemas.ts';
export type {
  BuildAnswer,
  CleaningAnswer,
  DataCentreAnswer,
  DeploymentAnswer,
  EnvironmentSettingsAnswer,
  EvidenceAnswer,
  EvidenceSummaryAnswer,
  FragmentAnswer,
  FragmentSummaryAnswer,
  InstanceAnswer,
  JobAnswer,
  ProjectAnswer,
  RegistrationAnswer,
  ServiceAnswer,
} from './ekiden-schemas.ts';
export type { EkidenConnection, FollowedPart, RemoteLog, ServicePlace };

export type EkidenApi = ReturnType<typeof createEkidenApi>;

/** Answers are the API's own, whatever a newer one adds; errors are EkidenErrors with its words. */
export function createEkidenApi(connection: EkidenConnection) {
  return {
    ...projectCalls(connection),
    ...buildCalls(connection),
    ...deploymentCalls(connection),
    ...environmentCalls(connection),
    ...releaseCalls(connection),
    ...serviceCalls(connection),
    ...jobCalls(connection),
    ...fragmentCalls(connection),
    evidence: (place: ServicePlace) =>
      json(connection, schemas.evidenceListSchema, `${ofService(place)}/evidence`),
    oneEvidence: (place: ServicePlace, instance: string) =>
      json(connection, schemas.evidenceSchema, `${ofService(place)}/evidence/${part(instance)}`),
    dataCentres: () => json(connection, schemas.dataCentresSchema, '/data-centres'),
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
    /** The last ones of an environment. */
    deployments: (project: string, environment: string) =>
      json(
        connection,
        schemas.deploymentsSchema,
        `${ofProject(project)}/deployments?${new URLSearchParams({ environment })}`,
      ),
    deployment: (project: string, id: string) =>
      json(connection, schemas.deploymentSchema, `${ofProject(project)}/deployments/${part(id)}`),
    decide: (project: string, id: string, go: 'on' | 'back') =>
      json(
        connection,
        schemas.deploymentSchema,
        `${ofProject(project)}/deployments/${part(id)}/decision`,
        { method: 'POST', body: { go } },
      ),
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
  /** Also while the environment is frozen. */
  override?: boolean;
}

export interface WantedRollback {
  services?: string[];
  /** By default the one before the current. */
  release?: number;
  /** Also one that is bad, or never became healthy. */
  force?: boolean;
  /** Also while the environment is frozen. */
  override?: boolean;
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
    kill: (place: ServicePlace, instance: string, replace: boolean) =>
      json(
        connection,
        serviceSchema,
        `${ofService(place)}/instances/${part(instance)}?replace=${replace}`,
        { method: 'DELETE' },
      ),
    suspend: (place: ServicePlace) =>
      json(connection, serviceSchema, `${ofService(place)}/suspend`, { method: 'POST' }),
    resume: (place: ServicePlace) =>
      json(connection, serviceSchema, `${ofService(place)}/resume`, { method: 'POST' }),
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
