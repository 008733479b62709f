/** Asks GitLab about people: whose a token is, what it may do, and which role somebody has in a project. */
import { Jobs, PersonalAccessTokens, ProjectMembers, Users } from '@gitbeaker/rest';
import { z } from 'zod';
import { levels } from '../core/access.ts';
import { AccessError, RemoteError } from '../core/errors.ts';
import {
  absent,
  asking,
  type GitLabOptions,
  requestOptions,
  saidBy,
  statusOf,
} from './gitlab-request.ts';

/** Somebody waits for each of these answers; in milliseconds. */
const patience = 5_000;

export interface Person {
  id: number;
  username: string;
  name: string;
  /** False for who is blocked, banned or deactivated. */
  isActive: boolean;
  /** True for who sees only projects that they have a role in; GitLab tells it to administrators. */
  isExternal: boolean;
}

export interface GitLabPeople {
  /**
   * Whose token it is: personal, of a project or group, or of OAuth.
   * @throws AccessError (401) when GitLab does not take it, (403) when it may not even read;
   * RemoteError (503) when GitLab does not answer.
   */
  ofToken(token: string): Promise<{ person: Person; mayChange: boolean }>;
  /** Whose CI job it is, and in which project; GitLab knows the token only while the job runs. */
  ofJob(token: string): Promise<{ person: Person; project: number }>;
  /** Undefined when there is nobody of this id (any more). */
  person(id: number): Promise<Person | undefined>;
  /** Access level in the project, inherited or not; 0 for none, and for who must not come in now. */
  level(project: number, user: number): Promise<number>;
}

const personSchema = z
  .object({
    id: z.number(),
    username: z.string(),
    name: z.string(),
    state: z.string().default('active'),
    external: z.boolean().default(false),
  })
  .transform(({ state, external, ...person }): Person => {
    return { ...person, isActive: state === 'active', isExternal: external };
  });
const tokenSchema = z.object({ scopes: z.array(z.string()) });
/** GitLab named it `scopes` first. */
const grantSchema = z
  .object({ scope: z.array(z.string()).optional(), scopes: z.array(z.string()).optional() })
  .transform(({ scope, scopes }) => scope ?? scopes);
const jobSchema = z.object({
  user: personSchema,
  pipeline: z.object({ project_id: z.number() }),
});
const memberSchema = z.object({
  access_level: z.number(),
  state: z.string().default('active'),
  membership_state: z.string().default('active'),
  expires_at: z.string().nullish(),
});

export function createGitLabPeople(connection: GitLabOptions): GitLabPeople {
  const service = { ...requestOptions(connection), queryTimeout: patience };
  // All callers share its connections; the classes themselves cost next to nothing.
  const { token: _, ...shared } = service;
  const users = new Users(service);
  const members = new ProjectMembers(service);

  return {
    async ofToken(token) {
      refuseUnsendable(token);
      // GitLab takes tokens of every kind as a bearer, and fetch keeps that header from other hosts.
      const options = { ...shared, oauthToken: token };
      const [user, scopes] = await Promise.all([
        askingAs('a token', () => new Users(options).showCurrentUser()),
        scopesOf(options),
      ]);
      const person = read(personSchema, user, 'a user');
      return { person, mayChange: mayChange(scopes) };
    },
    async ofJob(token) {
      refuseUnsendable(token);
      const { requester } = new Jobs({ ...shared, jobToken: token });
      const job = await askingAs('a job token', () =>
        requester.get('job', { signal: AbortSignal.timeout(patience) }),
      );
      const { user, pipeline } = read(jobSchema, bodyOf(job), 'a job');
      return { person: user, project: pipeline.project_id };
    },
    async person(id) {
      const user = await askingAsService(`user ${id}`, () => users.show(id)).catch(absent);
      return user === undefined ? undefined : read(personSchema, user, 'a user');
    },
    async level(project, user) {
      const what = `user ${user} in project ${project}`;
      const member = await askingAsService(what, () =>
        members.show(project, user, { includeInherited: true }),
      ).catch(absent);
      return member === undefined ? levels.none : levelOf(read(memberSchema, member, 'a member'));
    },
  };
}

/** GitLab ends a membership when its last day begins, in UTC. */
function levelOf(member: z.output<typeof memberSchema>): number {
  const isOver = member.expires_at ? Date.parse(member.expires_at) <= Date.now() : false;
  const isActive = member.state === 'active' && member.membership_state === 'active';
  return isActive && !isOver ? member.access_level : levels.none;
}

/**
 * `api` may do all, `read_api` may look. Who has neither could see less in GitLab than here. A
 * GitLab that tells no scopes took the token for reading, so it may do that here and no more.
 */
function mayChange(scopes: string[] | undefined): boolean {
  if (scopes === undefined) return false;
  if (scopes.includes('api')) return true;
  if (scopes.includes('read_api')) return false;
  throw tooNarrow();
}

function tooNarrow(): AccessError {
  return new AccessError('The token has neither the scope api nor read_api.', {
    code: 'E_TOKEN_SCOPE',
    status: 403,
    hint: 'Use a token with the scope read_api to look, or api to act as well.',
  });
}

type CallerOptions = Omit<ReturnType<typeof requestOptions>, 'token'> & { oauthToken: string };

/** Of a token of OAuth, GitLab tells the scopes elsewhere; undefined where it does not tell. */
async function scopesOf(options: CallerOptions): Promise<string[] | undefined> {
  const own = await askingAs("a token's scopes", () =>
    new PersonalAccessTokens(options).show(),
  ).catch(untold);
  if (own !== undefined) return read(tokenSchema, own, 'a token').scopes;
  const { requester } = new Users(options);
  const grant = await askingAs("a grant's scopes", () =>
    // Not below /api/v4, but beside it.
    requester.get('../../oauth/token/info', { signal: AbortSignal.timeout(patience) }),
  ).catch(untold);
  return grant === undefined ? undefined : read(grantSchema, bodyOf(grant), 'a grant');
}

function untold(error: unknown): undefined {
  if (error instanceof AccessError) return undefined;
  throw error;
}

/** What the escape hatch of gitbeaker answers, of which its types know nothing. */
function bodyOf(answer: unknown): unknown {
  return (answer as { body: unknown }).body;
}

/** Runs a call with a token that somebody sent: what GitLab refuses is their matter. */
async function askingAs<T>(what: string, call: () => Promise<T>): Promise<T> {
  return asking(what, call).catch(toAccessError).catch(toAway);
}

/** What no header can hold is no token either, and would look like a GitLab that does not answer. */
function refuseUnsendable(token: string): void {
  if (/^[\x21-\x7e]+$/.test(token)) return;
  throw new AccessError('The token holds characters that tokens do not have.', {
    code: 'E_TOKEN',
    status: 401,
    hint: 'Copy it again from GitLab, without anything around it.',
  });
}

const refusals = new Set([400, 401, 403, 404]);

function toAccessError(error: unknown): never {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!refusals.has(statusOf(cause) ?? 0)) throw error;
  const said = saidBy(cause);
  if (said.includes('insufficient_scope')) throw tooNarrow();
  throw new AccessError(`GitLab does not take the token: ${said}.`, {
    code: 'E_TOKEN',
    status: 401,
    hint: 'It may be wrong, expired or revoked, its user blocked, or its job over.',
  });
}

/** Runs a call with Ekiden's own token; `asking` names GITLAB_TOKEN when that is refused. */
async function askingAsService<T>(what: string, call: () => Promise<T>): Promise<T> {
  return asking(what, call).catch(toAway);
}

/** Nobody can be let in while GitLab is away, which is not the fault of who asks. */
function toAway(error: unknown): never {
  if (!(error instanceof RemoteError) || !error.retryable) throw error;
  // GitLab answers; who runs Ekiden has to give it another token.
  if (error.code === 'E_GITLAB_TOKEN') throw error;
  throw new RemoteError('GitLab does not answer, so Ekiden cannot see who may do what.', {
    code: 'E_GITLAB_AWAY',
    status: 503,
    hint: 'Try again in a moment.',
    cause: error,
  });
}

function read<T extends z.ZodType>(schema: T, answer: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new RemoteError(
    `What answers at GITLAB_URL describes ${what} otherwise than GitLab does.`,
    {
      code: 'E_GITLAB',
      hint: 'See that GITLAB_URL leads to GitLab 16 or newer.',
      retryable: false,
      cause: parsed.error,
    },
  );
}
