/** Says who somebody is and what they may do, as GitLab has it. */
import { createHash } from 'node:crypto';
import type { GitLabPeople } from '../clients/gitlab-people.ts';
import { type Access, type Caller, type Credentials, levels, refusalOf } from '../core/access.ts';
import { AccessError } from '../core/errors.ts';
import type { Session, SessionStore, TicketStore } from '../core/session.ts';
import { remembered } from './remembered.ts';

export interface AccessOptions {
  people: GitLabPeople;
  sessions: SessionStore;
  tickets: TicketStore;
  /** Ekiden's own token: who brings this very token may do what Ekiden can do. */
  serviceToken: string;
  /** Milliseconds, from any start above 0. */
  now?: () => number;
}

/** While GitLab is away, whom it knew lately is let in with the role they had; in milliseconds. */
const whileAway = 5 * 60_000;

/** However often it is used, a session has to be opened anew after so many milliseconds. */
const longestSession = 7 * 24 * 60 * 60 * 1000;

export function createAccess(options: AccessOptions): Access {
  const { sessions, tickets } = options;
  const serviceKey = hashOf(options.serviceToken);
  const ask = questions(options);
  const identities = createIdentities({ ...options, ask, serviceKey });

  const level = async (caller: Caller, project: number) => {
    if (caller.onlyProject !== undefined && caller.onlyProject !== project) return levels.none;
    if (caller.isService) return levels.owner;
    return ask.level({ user: caller.user, project });
  };

  return {
    identify: ({ kind, value }) => identities[kind](value),
    level,
    async authorize(caller, project, wanted) {
      const refusal = refusalOf(caller, await level(caller, project), wanted);
      if (refusal) throw refusal;
    },
    openSession: (caller) =>
      sessions.open({ caller, openedAt: Date.now(), ...(caller.isService ? { serviceKey } : {}) }),
    closeSession: (id) => sessions.close(id),
    issueTicket: (caller) => tickets.issue(caller),
  };
}

interface IdentitiesOptions extends Pick<AccessOptions, 'sessions' | 'tickets'> {
  ask: ReturnType<typeof questions>;
  serviceKey: string;
}

/** Who brings what, by its kind. */
function createIdentities({ ask, sessions, tickets, serviceKey }: IdentitiesOptions) {
  /** No token is kept, so what GitLab thinks of the user now decides. */
  const isOver = async ({ caller, openedAt, serviceKey: key }: Session) => {
    const isOld = Date.now() - openedAt > longestSession;
    if (isOld || (caller.isService && key !== serviceKey)) return true;
    return !(await ask.person(caller.user))?.isActive;
  };

  return {
    async token(token): Promise<Caller> {
      const { person, mayChange } = await ask.token(token);
      return { ...named(person), mayChange, isService: hashOf(token) === serviceKey };
    },
    async 'job-token'(token): Promise<Caller> {
      const { person, project } = await ask.job(token);
      return { ...named(person), mayChange: true, onlyProject: project, isService: false };
    },
    async session(id): Promise<Caller> {
      const session = await sessions.find(id);
      if (!session) throw ended('session');
      if (!(await isOver(session))) return session.caller;
      await sessions.close(id);
      throw ended('session');
    },
    async ticket(ticket): Promise<Caller> {
      const caller = await tickets.take(ticket);
      if (!caller) throw ended('ticket');
      return caller;
    },
  } satisfies Record<Credentials['kind'], (value: string) => Promise<Caller>>;
}

/** What is asked of GitLab, remembered; tokens are kept as hashes only. */
function questions({ people, now }: Pick<AccessOptions, 'people' | 'now'>) {
  return {
    token: remembered({ ask: people.ofToken, keyOf: hashOf, whileAway, now }),
    // A token of a job ends with the job, so nobody is let in without being asked for.
    job: remembered({ ask: people.ofJob, keyOf: hashOf, now }),
    person: remembered({
      ask: people.person,
      keyOf: String,
      isNo: (person) => person === undefined,
      whileAway,
      now,
    }),
    level: remembered({
      ask: ({ user, project }: { user: number; project: number }) => people.level(project, user),
      keyOf: ({ user, project }) => `${user} ${project}`,
      isNo: (level) => level === levels.none,
      whileAway,
      now,
    }),
  };
}

function named({ id, username, name }: { id: number; username: string; name: string }) {
  return { user: id, username, name };
}

function ended(what: 'session' | 'ticket'): AccessError {
  const isTicket = what === 'ticket';
  return new AccessError(
    isTicket ? 'The ticket is used up or too old.' : 'The session has ended.',
    {
      code: isTicket ? 'E_TICKET' : 'E_SESSION',
      status: 401,
      hint: isTicket ? 'Ask for a new one: it is good once, for 30 s.' : 'Sign in again.',
    },
  );
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
