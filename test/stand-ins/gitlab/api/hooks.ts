/** Routes of project hooks: their settings, tests, logs and resends. */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { pushBody } from '../hook-body.ts';
import { countFailure } from '../hook-failures.ts';
import { type Delivery, HOOK_EVENTS, type Hook, type HookEvent } from '../hooks.ts';
import { samplePush } from '../push.ts';
import { branches, tags } from '../repository.ts';
import type { Project, User } from '../state.ts';
import { atLeast } from '../version.ts';
import { hookEntity, hookLogEntity } from './entities.ts';
import {
  ApiError,
  asker,
  flag,
  MAINTAINER,
  notFound,
  parameters,
  segment,
  sendPage,
} from './http.ts';

const events = Object.fromEntries(HOOK_EVENTS.map((event) => [event, flag.optional()])) as Record<
  HookEvent,
  z.ZodOptional<typeof flag>
>;

export const hookParameters = z.object({
  url: z.string(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  token: z.string().nullish(),
  signing_token: z.string().nullish(),
  enable_ssl_verification: flag.optional(),
  push_events_branch_filter: z.string().nullish(),
  branch_filter_strategy: z.enum(['wildcard', 'regex', 'all_branches']).optional(),
  custom_headers: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
  ...events,
});
export type HookParameters = z.output<typeof hookParameters>;

export function hookRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects/:id/hooks', (request, response) => {
    const { project } = asker(gitlab, request, MAINTAINER);
    sendPage(request, response, project.hooks, (hook) => hookEntity(gitlab, hook));
  });
  routes.post('/projects/:id/hooks', (request, response) => {
    const { project } = asker(gitlab, request, MAINTAINER);
    const hook = addHook(gitlab, project, parameters(request, hookParameters));
    response.status(201).json(hookEntity(gitlab, hook));
  });
  routes.get('/projects/:id/hooks/:hook', (request, response) => {
    response.json(hookEntity(gitlab, findHook(gitlab, request).hook));
  });
  routes.put('/projects/:id/hooks/:hook', (request, response) => {
    const { hook } = findHook(gitlab, request);
    change(gitlab, hook, parameters(request, hookParameters));
    response.json(hookEntity(gitlab, hook));
  });
  routes.delete('/projects/:id/hooks/:hook', (request, response) => {
    const { project, hook } = findHook(gitlab, request);
    project.hooks = project.hooks.filter((other) => other !== hook);
    response.status(204).end();
  });
  addDeliveryRoutes(gitlab, routes);
  return routes;
}

function findHook(gitlab: GitLab, request: Request) {
  const found = asker(gitlab, request, MAINTAINER);
  const hook = found.project.hooks.find(({ id }) => String(id) === segment(request, 'hook'));
  if (hook === undefined) throw notFound();
  return { ...found, hook };
}

/** Makes a hook; without further word it wants pushes only, as GitLab has it. */
export function addHook(gitlab: GitLab, project: Project, wanted: HookParameters): Hook {
  if (project.hooks.length >= 100) {
    throw new ApiError(422, { error: 'Maximum number of project hooks (100) exceeded' });
  }
  const hook: Hook = {
    id: gitlab.state.nextId('hook'),
    projectId: project.id,
    url: wanted.url,
    name: null,
    description: null,
    createdAt: gitlab.timestamp(),
    events: Object.fromEntries(
      HOOK_EVENTS.map((event) => [event, event === 'push_events']),
    ) as Record<HookEvent, boolean>,
    token: null,
    signingToken: null,
    branchFilter: { strategy: 'wildcard', pattern: '' },
    customHeaders: [],
    sslVerification: true,
    failures: 0,
    disabledUntil: 0,
  };
  change(gitlab, hook, wanted);
  project.hooks.push(hook);
  return hook;
}

function change(gitlab: GitLab, hook: Hook, wanted: HookParameters): void {
  if (!URL.canParse(wanted.url) || !/^https?:$/.test(new URL(wanted.url).protocol)) {
    throw new ApiError(422, { error: 'Invalid url given' });
  }
  if (!gitlab.options.allowLocalRequests && isLocal(new URL(wanted.url).hostname)) {
    throw new ApiError(422, { error: 'Invalid url given' });
  }
  // A secret is never sent to another address than the one it was given for.
  if (wanted.url !== hook.url) hook.token = hook.signingToken = null;
  hook.url = wanted.url;
  if (wanted.name !== undefined) hook.name = wanted.name;
  if (wanted.description !== undefined) hook.description = wanted.description;
  if (wanted.token !== undefined) hook.token = wanted.token || null;
  if (wanted.signing_token !== undefined && atLeast(gitlab.instance().version, 19, 0)) {
    hook.signingToken = wanted.signing_token || null;
  }
  hook.sslVerification = wanted.enable_ssl_verification ?? hook.sslVerification;
  hook.customHeaders = wanted.custom_headers ?? hook.customHeaders;
  hook.branchFilter = {
    strategy: wanted.branch_filter_strategy ?? hook.branchFilter.strategy,
    pattern: wanted.push_events_branch_filter ?? hook.branchFilter.pattern,
  };
  for (const event of HOOK_EVENTS) hook.events[event] = wanted[event] ?? hook.events[event];
}

/** This machine and private networks, as an address or as the names that always mean it. */
function isLocal(hostname: string): boolean {
  const host = hostname.replaceAll(/[[\]]/g, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const ranges = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01]))\./;
  return isIP(host) === 4
    ? ranges.test(host)
    : isIP(host) === 6 && /^(::1?$|f[cd]|fe80)/.test(host);
}

/** Tests and resends that a user may ask for in a minute. */
const MAX_PER_MINUTE = 5;

function addDeliveryRoutes(gitlab: GitLab, routes: Router): void {
  const throttle = createThrottle(gitlab);
  routes.post('/projects/:id/hooks/:hook/test/:trigger', async (request, response) => {
    const { project, user, hook } = findHook(gitlab, request);
    throttle(`test ${user.id} ${project.id}`);
    const delivery = await testDelivery(
      gitlab,
      { project, user, hook },
      segment(request, 'trigger'),
    );
    const log = await gitlab.deliverer.send(delivery);
    gitlab.keepLog(project, log);
    if (gitlab.options.disableFailingHooks) countFailure(hook, log, gitlab.now());
    const isSuccess = /^2/.test(log.status);
    if (!isSuccess) throw new ApiError(422, { message: log.error ?? log.responseBody });
    response.status(201).json({ message: '201 Created' });
  });
  routes.get('/projects/:id/hooks/:hook/events', (request, response) => {
    const { project, hook } = findHook(gitlab, request);
    const { status } = parameters(request, z.object({ status: z.string().optional() }));
    const logs = project.hookLogs.filter(
      (log) => log.hookId === hook.id && (status === undefined || hasStatus(log.status, status)),
    );
    sendPage(request, response, logs.toReversed(), hookLogEntity);
  });
  routes.post('/projects/:id/hooks/:hook/events/:event/resend', async (request, response) => {
    const { project, user, hook } = findHook(gitlab, request);
    throttle(`resend ${user.id} ${project.id}`);
    const log = project.hookLogs.find(
      ({ id, hookId }) => hookId === hook.id && String(id) === segment(request, 'event'),
    );
    if (log === undefined) throw notFound();
    const again = await gitlab.deliverer.send({
      hook,
      trigger: log.trigger,
      body: log.requestBody,
      eventUuid: log.requestHeaders['X-Gitlab-Event-UUID'] ?? randomUUID(),
      idempotencyKey: log.requestHeaders['Idempotency-Key'] ?? randomUUID(),
    });
    gitlab.keepLog(project, again);
    response.status(201).json({ response_status: again.status });
  });
}

function createThrottle(gitlab: GitLab): (key: string) => void {
  let minute = -1;
  let counts = new Map<string, number>();
  return (key) => {
    const current = Math.floor(gitlab.now() / 60_000);
    if (current !== minute) counts = new Map();
    minute = current;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if ((counts.get(key) ?? 0) <= MAX_PER_MINUTE) return;
    const error = 'This endpoint has been requested too many times. Try again later.';
    throw new ApiError(429, { message: { error } });
  };
}

function hasStatus(actual: string, wanted: string): boolean {
  return wanted.split(',').some((word) => {
    if (word === 'successful') return /^2/.test(actual);
    if (word === 'client_failure') return /^4/.test(actual);
    if (word === 'server_failure') return /^(5|internal error)/.test(actual);
    return word === actual;
  });
}

/** GitLab tests with real commits of the project, or says that there are none. */
async function testDelivery(
  gitlab: GitLab,
  of: { project: Project; user: User; hook: Hook },
  trigger: string,
): Promise<Delivery> {
  const repo = gitlab.repo(of.project);
  if (trigger !== 'push_events' && trigger !== 'tag_push_events') {
    throw new ApiError(400, { error: 'trigger does not have a valid value' });
  }
  if (!(await branches(repo)).has(of.project.defaultBranch)) {
    throw new ApiError(422, { message: 'Ensure the project has at least one commit.' });
  }
  const push = { ...(await samplePush(repo, of.project.defaultBranch)), pushOptions: {} };
  const [tag] = trigger === 'tag_push_events' ? await tags(repo) : [];
  const facts = tag === undefined ? push : { ...push, ref: `refs/tags/${tag.name}` };
  return {
    hook: of.hook,
    trigger: trigger.replace(/events$/, 'hooks'),
    body: JSON.stringify(pushBody(gitlab.instance(), { ...of, push: facts })),
    eventUuid: randomUUID(),
    idempotencyKey: randomUUID(),
  };
}
