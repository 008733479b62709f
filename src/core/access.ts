/** Access: who asks, and what the role in GitLab lets them do. */
import { AccessError, type EkidenError, NotFoundError } from './errors.ts';

/** Somebody whom GitLab knows. */
export interface Caller {
  /** GitLab's id of the user, also of the bot behind a project's or group's token. */
  user: number;
  username: string;
  name: string;
  /** False for a token that may only read (`read_api`): its holder looks, and changes nothing. */
  mayChange: boolean;
  /** The only project that the caller may see: that of the CI job whose token it is. */
  onlyProject?: number;
  /** True for the user whose token Ekiden itself works with, who may do what Ekiden can do. */
  isService: boolean;
}

/** GitLab's access levels; there are others in between, so they are compared with ≥. */
export const levels = { none: 0, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;

/** What one can do with a project. */
export type Ability = 'look' | 'build' | 'deploy' | 'restart' | 'rollback' | 'scale' | 'configure';

/** The least level for each ability, in production and in all other environments. */
export const permissions: Record<Ability, { production: number; elsewhere: number }> = {
  look: { production: levels.reporter, elsewhere: levels.reporter },
  build: { production: levels.developer, elsewhere: levels.developer },
  deploy: { production: levels.maintainer, elsewhere: levels.developer },
  restart: { production: levels.developer, elsewhere: levels.developer },
  rollback: { production: levels.maintainer, elsewhere: levels.maintainer },
  scale: { production: levels.maintainer, elsewhere: levels.maintainer },
  configure: { production: levels.maintainer, elsewhere: levels.maintainer },
};

/** What is wanted: an ability, in one environment or, without a name, in the whole project. */
export interface Wanted {
  ability: Ability;
  environment?: string;
}

/** True when `level` is enough; the whole project counts as production. */
export function isAllowed(level: number, { ability, environment }: Wanted): boolean {
  const { production, elsewhere } = permissions[ability];
  const isProduction = environment === undefined || environment === 'production';
  return level >= (isProduction ? production : elsewhere);
}

/** Why the caller with this level may not do what is wanted; undefined when all is well. */
export function refusalOf(caller: Caller, level: number, wanted: Wanted): EkidenError | undefined {
  if (level < levels.reporter) return noSuchProject();
  if (wanted.ability !== 'look' && !caller.mayChange) {
    return new AccessError('The token may only read.', {
      code: 'E_READ_ONLY',
      status: 403,
      hint: 'Use a token with the scope api.',
    });
  }
  if (isAllowed(level, wanted)) return undefined;
  const where = wanted.environment === undefined ? 'the project' : wanted.environment;
  const { production, elsewhere } = permissions[wanted.ability];
  const needed = where === 'production' || where === 'the project' ? production : elsewhere;
  return new AccessError(`To ${wanted.ability} in ${where} one has to be ${roleOf(needed)}.`, {
    code: 'E_ROLE_TOO_LOW',
    status: 403,
    hint: `Your role in GitLab is ${roleOf(level)}; a maintainer of the project can raise it.`,
  });
}

/** The same for what does not exist and for what one may not see. */
export function noSuchProject(): NotFoundError {
  return new NotFoundError('There is no such project.', {
    code: 'E_PROJECT',
    hint: 'Name it by its id or its path, group/name (in addresses group%2Fname); the token has to see it.',
  });
}

function roleOf(level: number): string {
  const [name] = Object.entries(levels).findLast(([, least]) => level >= least) ?? ['none'];
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** What a request brought along to say who it is from. */
export type Credentials =
  | { kind: 'token'; value: string }
  | { kind: 'job-token'; value: string }
  | { kind: 'session'; value: string }
  | { kind: 'ticket'; value: string };

/** Asks GitLab who somebody is and which role they have; answers are kept for 60 s. */
export interface Access {
  /** @throws AccessError (401) when GitLab, or Ekiden for a session or ticket, does not know them. */
  identify(credentials: Credentials): Promise<Caller>;
  /** The caller's level in the project, 0 for none: blocked and expired members have none. */
  level(caller: Caller, project: number): Promise<number>;
  /** @throws AccessError (403), or NotFoundError for who may not even look (see refusalOf). */
  authorize(caller: Caller, project: number, wanted: Wanted): Promise<void>;
  /** Opens a session of the caller for a browser; answers its id. */
  openSession(caller: Caller): Promise<string>;
  closeSession(id: string): Promise<void>;
  /** A ticket that lets the caller in once within 30 s, for sockets of browsers. */
  issueTicket(caller: Caller): Promise<{ ticket: string; expiresAt: number }>;
}

/** A repository in GitLab. */
export interface Project {
  id: number;
  /** `group/name`. */
  path: string;
  webUrl: string;
  defaultBranch: string | undefined;
  readers: CodeReaders;
}

/** Who may read the code of a project besides those with a role in it; `users` are all whom GitLab knows. */
export type CodeReaders = 'members' | 'users' | 'everyone';

/** Finds projects with Ekiden's own token; answers are kept for 60 s. */
export interface Projects {
  /** By id or by full path, also a former one; undefined when there is none that the token sees. */
  find(idOrPath: string): Promise<Project | undefined>;
}
