/** How calls of Ekiden's own API name what they are about, and read what comes back. */
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { type Ask, askEkiden, type EkidenConnection, unreachable } from './ekiden-request.ts';

/** A service in an environment of a project, which is named by its id or path. */
export interface ServicePlace {
  project: string;
  environment: string;
  service: string;
}

export const part = encodeURIComponent;
export const ofProject = (project: string) => `/projects/${part(project)}`;
export const inEnvironment = (project: string, environment: string) =>
  `${ofProject(project)}/environments/${part(environment)}`;
export const ofService = ({ project, environment, service }: ServicePlace) =>
  `${inEnvironment(project, environment)}/services/${part(service)}`;

/** The answer as the schema has it. @throws RemoteError where it is another */
export async function json<T extends z.ZodType>(
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

/** @throws RemoteError when it is cut */
export async function* bodyOf(
  connection: EkidenConnection,
  { body }: Response,
): AsyncGenerator<Uint8Array> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreachable(connection, error);
  }
}
