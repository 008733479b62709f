/** The hooks of a project in GitLab: their settings, test deliveries, and what was answered to those. */
import { ProjectHooks, Projects } from '@gitbeaker/rest';
import { z } from 'zod';
import { messageOf, RemoteError } from '../core/errors.ts';
import {
  absent,
  asking,
  type GitLabOptions,
  requestOptions,
  saidBy,
  statusOf,
} from './gitlab-request.ts';

/** What GitLab shows of a hook; secrets it shows to nobody. */
export interface GitLabHook {
  id: number;
  url: string;
  name: string | undefined;
  pushEvents: boolean;
  tagPushEvents: boolean;
  /** True when deliveries are signed; releases before 19.0 know of no signatures. */
  isSigned: boolean;
}

/** What a hook is to be; what is not named here stays as it is. */
export interface HookSettings {
  url: string;
  name: string;
  pushEvents: boolean;
  tagPushEvents: boolean;
  /** Sent as X-Gitlab-Token. */
  token: string;
  /** `whsec_…`, for deliveries that are signed. */
  signingToken?: string | undefined;
}

/** What GitLab says of a test delivery; `untestable` by releases that cannot send one when asked. */
export type TestAnswer =
  | { outcome: 'answered' }
  | { outcome: 'refused'; said: string }
  | { outcome: 'limited' }
  | { outcome: 'untestable' };

/** A delivery as GitLab noted it. */
export interface HookEvent {
  id: number;
  /** What the receiver answered, such as `202`, or `internal error` when nobody did. */
  status: string;
  body: string;
}

export interface GitLabHooks {
  list(project: number): Promise<GitLabHook[]>;
  create(project: number, settings: HookSettings): Promise<GitLabHook>;
  update(project: number, id: number, settings: HookSettings): Promise<GitLabHook>;
  /** No error when it is gone already. */
  remove(project: number, id: number): Promise<void>;
  /** Has GitLab deliver a push, made of the last commits of the default branch. */
  test(project: number, id: number): Promise<TestAnswer>;
  /** The latest deliveries, newest first; undefined where GitLab (before 17.3) does not tell them. */
  events(project: number, id: number): Promise<HookEvent[] | undefined>;
}

const hookSchema = z
  .object({
    id: z.number(),
    url: z.string(),
    name: z.string().nullish(),
    push_events: z.boolean(),
    tag_push_events: z.boolean(),
    signing_token_present: z.boolean().default(false),
  })
  .transform(
    (hook): GitLabHook => ({
      id: hook.id,
      url: hook.url,
      name: hook.name ?? undefined,
      pushEvents: hook.push_events,
      tagPushEvents: hook.tag_push_events,
      isSigned: hook.signing_token_present,
    }),
  );
const eventsSchema = z.object({
  body: z.array(
    z
      .object({
        id: z.number(),
        response_status: z.string().nullish(),
        response_body: z.string().nullish(),
      })
      .transform(({ id, response_status, response_body }) => ({
        ...{ id, status: response_status ?? '', body: response_body ?? '' },
      })),
  ),
});

export function createGitLabHooks(connection: GitLabOptions): GitLabHooks {
  const options = requestOptions(connection);
  const hooks = new ProjectHooks(options);
  // For what gitbeaker has no method.
  const { requester } = new Projects(options);

  return {
    async list(project) {
      const found = await changing(`the hooks of project ${project}`, () =>
        hooks.all(project, { perPage: 100 }),
      );
      return z.array(hookSchema).parse(found);
    },
    async create(project, { url, ...settings }) {
      const made = await changing(`a hook of project ${project}`, () =>
        hooks.add(project, url, settings),
      );
      return hookSchema.parse(made);
    },
    async update(project, id, { url, ...settings }) {
      const changed = await changing(`hook ${id} of project ${project}`, () =>
        hooks.edit(project, id, url, settings),
      );
      return hookSchema.parse(changed);
    },
    async remove(project, id) {
      await changing(`hook ${id} of project ${project}`, () => hooks.remove(project, id)).catch(
        absent,
      );
    },
    test: (project, id) => testHook(requester, project, id),
    async events(project, id) {
      const path = `projects/${project}/hooks/${id}/events`;
      const what = `the deliveries of hook ${id}`;
      const found = await asking(what, () => requester.get(path)).catch(absent);
      return found === undefined ? undefined : eventsSchema.parse(found).body;
    },
  };
}

/** Delivering takes GitLab up to its own time-out of 10 s, and setting it all up some more. */
const testPatience = 20_000;

async function testHook(
  requester: Projects['requester'],
  project: number,
  id: number,
): Promise<TestAnswer> {
  try {
    await asking(`a test of hook ${id}`, () =>
      requester.post(`projects/${project}/hooks/${id}/test/push_events`, {
        signal: AbortSignal.timeout(testPatience),
      }),
    );
    return { outcome: 'answered' };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const status = statusOf(cause);
    if (status === 404) return { outcome: 'untestable' };
    if (status === 422) return { outcome: 'refused', said: messageOf(cause) };
    if (saidBy(cause).includes('too many times')) return { outcome: 'limited' };
    throw error;
  }
}

/** GitLab lets only maintainers see and change hooks, and checks where they lead. */
async function changing<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await asking(what, call);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const status = statusOf(cause);
    if (status !== 403 && status !== 422) throw error;
    const text = `GitLab, asked for ${what}: ${saidBy(cause)}`;
    throw status === 403 ? noMaintainer(text, error) : refusedHook(text, error);
  }
}

function noMaintainer(text: string, cause: unknown): RemoteError {
  return new RemoteError(text, {
    code: 'E_GITLAB_ACCESS',
    hint: 'GITLAB_TOKEN needs the role Maintainer in the project to change its hooks.',
    retryable: false,
    cause,
  });
}

function refusedHook(text: string, cause: unknown): RemoteError {
  return new RemoteError(text, {
    code: 'E_GITLAB_HOOK',
    hint: outboundHint,
    retryable: false,
    cause,
  });
}

/** What to do when GitLab will not send to where Ekiden is. */
export const outboundHint =
  'Where EKIDEN_URL is a private address, an administrator of GitLab allows it under Admin → Settings → Network → Outbound requests.';
