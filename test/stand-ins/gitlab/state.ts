/** What the stand-in knows: users, tokens, projects and all that hangs on a project. */
import { randomBytes } from 'node:crypto';
import type { Deployment, Environment } from './deployments.ts';
import type { Hook, HookLog } from './hooks.ts';
import type { StatusBook } from './statuses.ts';

export interface User {
  id: number;
  username: string;
  name: string;
  publicEmail: string | null;
  admin: boolean;
  bot: boolean;
  /** Sees only what they are a member of. */
  external: boolean;
  state: 'active' | 'blocked';
}

export interface Membership {
  level: number;
  /** The first day on which it no longer holds, such as `2026-12-31`; null is never. */
  expiresAt: string | null;
  state: 'active' | 'awaiting';
  createdAt: string;
}

export interface Token {
  id: number;
  name: string;
  value: string;
  userId: number;
  /** Such as `api` or `read_api`. */
  scopes: string[];
  /** The first day on which it no longer works, such as `2026-12-31`; null is never. */
  expiresAt: string | null;
  /** Set when the token no longer works, and why, as GitLab tells it. */
  ended?: 'revoked' | 'expired';
}

/** A CI job, for the sake of its token, which works as long as the job runs. */
export interface Job {
  id: number;
  pipelineId: number;
  projectId: number;
  userId: number;
  ref: string;
  tag: boolean;
  sha: string;
  token: string;
  status: 'running' | 'success' | 'failed' | 'canceled';
  createdAt: string;
  finishedAt: string | null;
}

export interface Variable {
  variable_type: 'env_var' | 'file';
  key: string;
  value: string;
  hidden: boolean;
  protected: boolean;
  masked: boolean;
  raw: boolean;
  environment_scope: string;
  description: string | null;
}

export type Visibility = 'private' | 'internal' | 'public';

export interface Project {
  id: number;
  /** With all groups, such as `shop/web`. */
  fullPath: string;
  name: string;
  description: string;
  visibility: Visibility;
  /** `private` keeps the code to members, whatever the visibility is. */
  repositoryAccess: 'enabled' | 'private';
  createdAt: string;
  creatorId: number;
  defaultBranch: string;
  /** Names or patterns with `*`; only maintainers push to them. */
  protectedBranches: string[];
  protectedTags: string[];
  /** Paths that it had before, which redirect. */
  formerPaths: string[];
  /** True until a branch is pushed. */
  empty: boolean;
  /** The bare repository's folder. */
  dir: string;
  /** The project's own members, by user id; those of its groups belong to it as well. */
  members: Map<number, Membership>;
  hooks: Hook[];
  hookLogs: HookLog[];
  statuses: StatusBook;
  environments: Environment[];
  deployments: Deployment[];
  variables: Variable[];
  /** What a reader with a stale cache still sees of branches that were pushed lately. */
  staleBranches: Map<string, { sha: string | null; until: number }>;
}

export interface Group {
  id: number;
  /** With its parents, such as `shop/backend`. */
  fullPath: string;
  name: string;
  members: Map<number, Membership>;
  variables: Variable[];
}

export interface State {
  users: User[];
  groups: Group[];
  tokens: Token[];
  jobs: Job[];
  projects: Project[];
  nextId(kind: string): number;
}

export function createState(): State {
  const counters = new Map<string, number>();
  return {
    users: [],
    groups: [],
    tokens: [],
    jobs: [],
    projects: [],
    nextId: (kind) => {
      const id = (counters.get(kind) ?? 0) + 1;
      counters.set(kind, id);
      return id;
    },
  };
}

export function addUser(
  state: State,
  user: { username: string } & Partial<Omit<User, 'id' | 'username'>>,
): User {
  const added: User = {
    id: state.nextId('user'),
    username: user.username,
    name: user.name ?? user.username,
    publicEmail: user.publicEmail ?? null,
    admin: user.admin ?? false,
    bot: user.bot ?? false,
    external: user.external ?? false,
    state: user.state ?? 'active',
  };
  state.users.push(added);
  return added;
}

/** A new token of `userId`, in the shape GitLab gives them; it may do everything without further word. */
export function addToken(
  state: State,
  userId: number,
  given: Partial<Pick<Token, 'name' | 'scopes' | 'expiresAt'>> = {},
): Token {
  const token: Token = {
    id: state.nextId('token'),
    name: given.name ?? 'token',
    value: `glpat-${randomBytes(15).toString('base64url')}`,
    userId,
    scopes: given.scopes ?? ['api'],
    expiresAt: given.expiresAt ?? null,
  };
  state.tokens.push(token);
  return token;
}

/** The group of this path, made with its parents where it is missing. */
export function ensureGroup(state: State, fullPath: string): Group {
  const existing = state.groups.find((group) => group.fullPath === fullPath);
  if (existing !== undefined) return existing;
  const names = fullPath.split('/');
  if (names.length > 1) ensureGroup(state, names.slice(0, -1).join('/'));
  const group: Group = {
    id: state.nextId('group'),
    fullPath,
    name: names.at(-1) ?? fullPath,
    members: new Map(),
    variables: [],
  };
  state.groups.push(group);
  return group;
}

/** Finds a project by its number or its full path, which GitLab compares without case. */
export function findProject(state: State, idOrPath: string): Project | undefined {
  const wanted = idOrPath.toLowerCase();
  return state.projects.find((project) =>
    /^\d+$/.test(idOrPath)
      ? project.id === Number(idOrPath)
      : project.fullPath.toLowerCase() === wanted,
  );
}

/** The project that once had this path, where no other one has it now. */
export function findMovedProject(state: State, path: string): Project | undefined {
  const wanted = path.toLowerCase();
  return state.projects.find(({ formerPaths }) =>
    formerPaths.some((former) => former.toLowerCase() === wanted),
  );
}
