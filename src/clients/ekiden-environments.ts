/** What Ekiden's own API does about environments, as its command line uses it. */
import { inEnvironment, json } from './ekiden-calls.ts';
import type { Ask, EkidenConnection } from './ekiden-request.ts';
import { environmentSettingsSchema as schema } from './ekiden-schemas.ts';

export function environmentCalls(connection: EkidenConnection) {
  const ask = (project: string, environment: string, what: string, wanted: Ask) =>
    json(connection, schema, `${inEnvironment(project, environment)}/${what}`, wanted);

  return {
    /** `until` as RFC 3339 has it. */
    freeze: (project: string, environment: string, body: { reason: string; until?: string }) =>
      ask(project, environment, 'freeze', { method: 'PUT', body }),
    thaw: (project: string, environment: string) =>
      ask(project, environment, 'freeze', { method: 'DELETE' }),
    autoDeploy: (project: string, environment: string, enabled: boolean) =>
      ask(project, environment, 'auto-deploy', { method: 'PUT', body: { enabled } }),
  };
}
