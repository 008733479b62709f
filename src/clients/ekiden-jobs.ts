/** What Ekiden's own API does about jobs, as its command line uses it. */
import { inEnvironment, json, part } from './ekiden-calls.ts';
import { remoteLog } from './ekiden-log.ts';
import type { EkidenConnection } from './ekiden-request.ts';
import { jobSchema, jobsSchema } from './ekiden-schemas.ts';

export interface WantedJob {
  command: string | string[];
  service?: string;
  release?: number;
  timeout?: number;
  cpus?: number;
  mem?: number;
}

export function jobCalls(connection: EkidenConnection) {
  const all = (project: string, environment: string) =>
    `${inEnvironment(project, environment)}/jobs`;
  const path = (project: string, environment: string, id: string) =>
    `${all(project, environment)}/${part(id)}`;

  return {
    jobs: (project: string, environment: string, limit: number) =>
      json(connection, jobsSchema, `${all(project, environment)}?limit=${limit}`),
    job: (project: string, environment: string, id: string) =>
      json(connection, jobSchema, path(project, environment, id)),
    requestJob: (project: string, environment: string, body: WantedJob) =>
      json(connection, jobSchema, all(project, environment), { method: 'POST', body }),
    cancelJob: (project: string, environment: string, id: string) =>
      json(connection, jobSchema, path(project, environment, id), { method: 'DELETE' }),
    jobLog: (project: string, environment: string, id: string) =>
      remoteLog(connection, `${path(project, environment, id)}/log`),
  };
}
