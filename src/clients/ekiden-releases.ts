/** What Ekiden's own API says of releases, as its command line uses it. */
import { inEnvironment, json, ofProject } from './ekiden-calls.ts';
import * as schemas from './ekiden-release-schemas.ts';
import type { EkidenConnection } from './ekiden-request.ts';

export interface WantedPlanBody {
  services?: string[];
  build?: string;
  release?: number;
  force?: boolean;
}

export function releaseCalls(connection: EkidenConnection) {
  return {
    releases: (project: string, environment: string, limit: number) => {
      const path = `${inEnvironment(project, environment)}/releases?limit=${limit}`;
      return json(connection, schemas.releasesSchema, path);
    },
    rebuildReleases: (project: string) =>
      json(connection, schemas.rebuiltSchema, `${ofProject(project)}/releases/rebuild`, {
        method: 'POST',
      }),
    diff: (project: string, environment: string, numbers: { from?: number; to?: number }) => {
      const query = new URLSearchParams();
      for (const [name, number] of Object.entries(numbers)) query.set(name, String(number));
      const path = `${inEnvironment(project, environment)}/diff?${query}`;
      return json(connection, schemas.diffSchema, path);
    },
    plan: (project: string, environment: string, body: WantedPlanBody) =>
      json(connection, schemas.planSchema, `${inEnvironment(project, environment)}/plan`, {
        method: 'POST',
        body,
      }),
  };
}
