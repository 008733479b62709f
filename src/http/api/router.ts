/** Serves endpoints as they are declared: who asks, may they, is what they send right, and the answer. */
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { z } from 'zod';
import { type Caller, noSuchProject, type Wanted } from '../../core/access.ts';
import { AccessError, InputError } from '../../core/errors.ts';
import type { Ekiden } from '../../ekiden.ts';
import { credentialsOf, refuseForeignOrigin } from '../credentials.ts';
import type { Limits } from '../limits.ts';
import { endWaiting } from '../patience.ts';
import type { AnyEndpoint } from './endpoint.ts';

/** Bytes: most bodies of the API are a few words. */
const usualBody = 64 * 1024;

export interface ApiOptions {
  ekiden: Ekiden;
  endpoints: readonly AnyEndpoint[];
  limits: Limits;
}

export function createRouter({ ekiden, endpoints, limits }: ApiOptions): Router {
  const router = Router({ caseSensitive: true });
  router.use(endWaiting, limits.byAddress);
  for (const declared of endpoints) {
    const { body, largestBody: limit = usualBody } = declared;
    const before = body ? [express.json({ limit, type: () => true })] : [];
    router[declared.method](toExpress(declared.path), ...before, async (request, response) => {
      await serve({ ekiden, declared, limits }, request, response);
    });
  }
  for (const [path, methods] of methodsByPath(endpoints)) router.all(path, otherMethod(methods));
  return router;
}

function methodsByPath(endpoints: readonly AnyEndpoint[]): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  for (const { path, method } of endpoints) {
    const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    paths.set(toExpress(path), [...(paths.get(toExpress(path)) ?? []), ...methods]);
  }
  return paths;
}

/** Tells which methods there are; @throws InputError (405) unless that was the question. */
function otherMethod(methods: string[]): RequestHandler {
  const allowed = [...methods, 'OPTIONS'].join(', ');
  return ({ method }, response) => {
    response.setHeader('Allow', allowed);
    if (method === 'OPTIONS') return void response.status(204).end();
    throw new InputError(`The address takes no ${method}.`, {
      code: 'E_METHOD',
      status: 405,
      hint: `It takes ${allowed}.`,
    });
  };
}

/** `{name}` is one segment, `{name*}` all that follow. */
export function toExpress(path: string): string {
  return path.replace(/\{(\w+)\*\}/g, '*$1').replace(/\{(\w+)\}/g, ':$1');
}

interface Serving {
  ekiden: Ekiden;
  declared: AnyEndpoint;
  limits: Limits;
}

async function serve({ ekiden, declared, limits }: Serving, request: Request, response: Response) {
  const caller = await identify(ekiden, request);
  await limits.byCaller(caller, request, response);
  const raw = Object.fromEntries(
    Object.entries(request.params).map(([name, value]) => [name, [value].flat().join('/')]),
  );
  const project = raw['project'] === undefined ? 0 : await projectOf(ekiden, raw['project']);
  const authorize = (wanted: Wanted) => ekiden.access.authorize(caller, project, wanted);
  if (declared.needs !== 'signed-in') {
    const environment = raw['environment'];
    await authorize({ ability: declared.needs, ...(environment ? { environment } : {}) });
  }
  const context = {
    ...{ ekiden, caller, project, authorize, request, response },
    params: check(declared.params, raw, 'the address'),
    query: check(declared.query, request.query, 'the query'),
    body: check(declared.body, request.body ?? {}, 'the body'),
  };
  const answer = await declared.handle(context as never);
  if (response.headersSent || response.writableEnded) return;
  const { status = 200, schema } = declared.answer;
  response.set('Cache-Control', 'no-store');
  if (schema) response.status(status).json(schema.parse(answer));
  else response.status(status).end();
}

/** @throws AccessError for who brings nothing, or a session from another site. */
export async function identify(ekiden: Ekiden, request: Request): Promise<Caller> {
  const credentials = credentialsOf(request);
  if (!credentials) {
    throw new AccessError('No token was given.', {
      code: 'E_SIGN_IN',
      status: 401,
      hint: 'Send a GitLab token as Authorization: Bearer … or PRIVATE-TOKEN, or a job token as JOB-TOKEN.',
    });
  }
  if (credentials.kind === 'session') refuseForeignOrigin(request, ekiden.config.url);
  return ekiden.access.identify(credentials);
}

/** Whoever may not see a project is told the same as if there were none. */
export async function projectOf(ekiden: Ekiden, idOrPath: string): Promise<number> {
  const project = await ekiden.projects.find(idOrPath);
  if (project) return project.id;
  throw noSuchProject();
}

function check<T extends z.ZodType>(schema: T | undefined, given: unknown, where: string): unknown {
  const parsed = schema?.safeParse(given);
  if (!parsed || parsed.success) return parsed?.data ?? {};
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new InputError(`Wrong in ${where}: ${problems.join('; ')}.`, {
    code: 'E_INPUT',
    status: 422,
    hint: 'GET /api/v1/openapi.json tells what is expected.',
  });
}
