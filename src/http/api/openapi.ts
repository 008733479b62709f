/** The OpenAPI document of the endpoints, made from what checks them. */
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi';
import { permissions } from '../../core/access.ts';
import { limits } from '../limits.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { problem } from './schemas.ts';

export interface DocumentOptions {
  endpoints: readonly AnyEndpoint[];
  version: string;
  /** Where people reach Ekiden. */
  url: string;
}

/** OpenAPI 3.1. */
export function createOpenApi({ endpoints, version, url }: DocumentOptions) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const declared of endpoints) {
    const path = declared.path.replace('*}', '}');
    paths[path] = { ...paths[path], [declared.method]: operationOf(declared) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Ekiden',
      version,
      description: `A project is named by its id in GitLab or its encoded path (group%2Fname), an environment by its encoded name (review%2Fx). A user may ask ${limits.reads} times a minute, and change something ${limits.changes} times.`,
    },
    servers: [{ url: `${url}/api/v1` }],
    security: [{ bearer: [] }, { privateToken: [] }, { jobToken: [] }],
    components: { securitySchemes },
    paths,
  });
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A token of GitLab.' },
  privateToken: { type: 'apiKey', in: 'header', name: 'PRIVATE-TOKEN' },
  jobToken: { type: 'apiKey', in: 'header', name: 'JOB-TOKEN', description: 'CI_JOB_TOKEN.' },
} as const;

function operationOf(declared: AnyEndpoint): ZodOpenApiOperationObject {
  const { id, tag, summary, params, query, body, answer } = declared;
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: [declared.description, rightOf(declared)].filter(Boolean).join('\n\n'),
    requestParams: { path: params ?? z.object({}), query: query ?? z.object({}) },
    ...(body ? { requestBody: { content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      [String(answer.status ?? 200)]: {
        description: answer.description,
        ...contentOf(answer),
      },
      ...problemsOf(declared),
    },
  };
}

function contentOf({ schema, type }: AnyEndpoint['answer']) {
  if (schema) return { content: { 'application/json': { schema } } };
  return type === undefined ? {} : { content: { [type]: { schema: z.string() } } };
}

/** What each operation can answer when it does not do what was asked. */
function problemsOf({ needs, params, query, body, others = {} }: AnyEndpoint) {
  const common: Record<number, string> = {
    401: 'Who asks is not known.',
    403: `${needs === 'signed-in' ? '' : 'The role is too low, or '}the token may not read the API, or the request comes from another site.`,
    ...(params ? { 404: 'There is no such thing, or one may not see it.' } : {}),
    ...(params || body
      ? { 400: body ? 'The body is no JSON, or the address no URL.' : 'The address is no URL.' }
      : {}),
    ...(body
      ? {
          413: 'The body is too large.',
          415: 'No such encoding is known.',
        }
      : {}),
    ...(params || query || body ? { 422: 'Something that was sent is wrong.' } : {}),
    429: 'Asked too often; Retry-After tells when.',
    500: 'Ekiden failed inside.',
    502: 'A part that Ekiden asked does not answer well.',
    503: 'GitLab cannot be asked who you are.',
    ...others,
  };
  return Object.fromEntries(
    Object.entries(common).map(([status, description]) => [
      status,
      status.startsWith('2') || status === '304' || status === '101'
        ? { description }
        : { description, content: { 'application/problem+json': { schema: problem } } },
    ]),
  );
}

function rightOf({ needs, path }: AnyEndpoint): string {
  if (needs === 'signed-in') return 'For whoever GitLab knows.';
  const { production, elsewhere } = permissions[needs];
  const where = path.includes('{environment}') && production !== elsewhere;
  return where
    ? `Least access level: ${production} in production, ${elsewhere} elsewhere.`
    : `Least access level: ${production}.`;
}
