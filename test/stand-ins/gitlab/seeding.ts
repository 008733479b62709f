/** What a test puts into the stand-in: projects, people, what they may do, and their pushes. */
import { addHook, hookParameters } from './api/hooks.ts';
import { createProject, type NewProject } from './api/projects.ts';
import { addVariable } from './api/variables.ts';
import { type NewCommit, writeCommit } from './commit-writer.ts';
import type { GitLab } from './core.ts';
import { namespaceOf } from './members.ts';
import { afterPush } from './push.ts';
import { inRepo, resolveCommit, ZERO_SHA } from './repository.ts';
import { createTokenSeeding, type TokenSeeding } from './seed-tokens.ts';
import { addToken, addUser, ensureGroup, type Group, type Project, type User } from './state.ts';

export interface SeededProject {
  id: number;
  path: string;
  webUrl: string;
  /** For `git push`: with the administrator's token in it. */
  httpUrl: string;
}

export interface SeededHook {
  url: string;
  token?: string;
  /** `whsec_` and base64, from release 19.0 on. */
  signingToken?: string;
  pushEvents?: boolean;
  tagPushEvents?: boolean;
}

/** A project by its id or a group by its full path, which is made where it is missing. */
export type Place = { projectId: number } | { group: string };

export interface NewUser {
  username: string;
  name?: string;
  admin?: boolean;
  external?: boolean;
  projectId?: number;
  /** In that project; default 30. */
  accessLevel?: number;
}

export interface NewMember {
  userId: number;
  accessLevel: number;
  /** The first day on which it no longer holds, such as `2026-12-31`. */
  expiresAt?: string;
  /** Default active. */
  state?: 'active' | 'awaiting';
}

export interface NewVariableOf {
  key: string;
  value: string;
  masked?: boolean;
  /** Its value is never told again, so it is masked too. */
  hidden?: boolean;
  protected?: boolean;
  raw?: boolean;
  /** Default `env_var`. */
  type?: 'env_var' | 'file';
  /** Default `*`. */
  scope?: string;
}

export interface Seeding extends TokenSeeding {
  createProject(project: NewProject): Promise<SeededProject>;
  /** A user with a token that may do everything and, where given, an access level in a project. */
  createUser(user: NewUser): { id: number; token: string };
  /** Their tokens then answer 403, and members say `state: blocked`; `false` undoes it. */
  blockUser(userId: number, blocked?: boolean): void;
  addMember(member: Place & NewMember): void;
  /** Changes a member's level, or when it ends; adds who is not there. */
  setMember(member: Place & NewMember): void;
  removeMember(member: Place & { userId: number }): void;
  /** Adds a CI/CD variable, or replaces the one of that key and scope. */
  setVariable(variable: Place & NewVariableOf): void;
  removeVariable(variable: Place & { key: string; scope?: string }): void;
  /** Names or patterns with `*`, in place of those that were protected. */
  protect(projectId: number, refs: { branches?: string[]; tags?: string[] }): void;
  /** Gives the project another full path, in the same group or elsewhere; the old one redirects. */
  renameProject(projectId: number, newPath: string): void;
  /** Answers the hook's id. */
  addHook(projectId: number, hook: SeededHook): number;
  /** Commits on the server and does all that a push does; answers the sha. */
  commit(projectId: number, commit: NewCommit): Promise<string>;
  /** Sets a tag on what `ref` points to, as a push would; answers the sha. */
  createTag(projectId: number, name: string, ref: string): Promise<string>;
}

/** The administrator, their token, and where the stand-in listens. */
export interface Own {
  root: User;
  token: string;
  url: string;
}

export function projectById(gitlab: GitLab, id: number): Project {
  const project = gitlab.state.projects.find((candidate) => candidate.id === id);
  if (project === undefined) throw new Error(`the stand-in has no project ${id}`);
  return project;
}

export function userById(gitlab: GitLab, id: number): User {
  const user = gitlab.state.users.find((candidate) => candidate.id === id);
  if (user === undefined) throw new Error(`the stand-in has no user ${id}`);
  return user;
}

export function placeOf(gitlab: GitLab, place: Place): Project | Group {
  if ('group' in place) return ensureGroup(gitlab.state, place.group);
  return projectById(gitlab, place.projectId);
}

export function createSeeding(gitlab: GitLab, own: Own): Seeding {
  const people = seedPeople(gitlab);
  const tokens = createTokenSeeding({ gitlab, setMember: people.setMember });
  return { ...people, ...tokens, ...seedSettings(gitlab), ...seedCode(gitlab, own) };
}

type People = 'createUser' | 'blockUser' | 'addMember' | 'setMember' | 'removeMember';

function seedPeople(gitlab: GitLab): Pick<Seeding, People> {
  const setMember: Seeding['setMember'] = ({ userId, accessLevel, expiresAt, state, ...place }) => {
    userById(gitlab, userId);
    placeOf(gitlab, place).members.set(userId, {
      level: accessLevel,
      expiresAt: expiresAt ?? null,
      state: state ?? 'active',
      createdAt: gitlab.timestamp(),
    });
  };
  return {
    addMember: setMember,
    setMember,
    createUser: ({ projectId, accessLevel = 30, ...given }) => {
      const { id } = addUser(gitlab.state, given);
      if (projectId !== undefined) setMember({ projectId, userId: id, accessLevel });
      return { id, token: addToken(gitlab.state, id).value };
    },
    blockUser: (userId, blocked = true) => {
      userById(gitlab, userId).state = blocked ? 'blocked' : 'active';
    },
    removeMember: ({ userId, ...place }) => {
      placeOf(gitlab, place).members.delete(userId);
    },
  };
}

type Settings = 'setVariable' | 'removeVariable' | 'protect' | 'renameProject';

function seedSettings(gitlab: GitLab): Pick<Seeding, Settings> {
  const removeVariable: Seeding['removeVariable'] = ({ key, scope = '*', ...place }) => {
    const { variables } = placeOf(gitlab, place);
    const index = variables.findIndex((one) => one.key === key && one.environment_scope === scope);
    if (index !== -1) variables.splice(index, 1);
  };
  return {
    removeVariable,
    setVariable: ({ key, value, scope = '*', type, hidden, masked, raw, ...given }) => {
      removeVariable({ ...given, key, scope });
      addVariable(placeOf(gitlab, given), {
        key,
        value,
        raw,
        masked,
        masked_and_hidden: hidden,
        protected: given.protected,
        variable_type: type,
        environment_scope: scope,
      });
    },
    protect: (projectId, { branches, tags }) => {
      const project = projectById(gitlab, projectId);
      project.protectedBranches = branches ?? project.protectedBranches;
      project.protectedTags = tags ?? project.protectedTags;
    },
    renameProject: (projectId, newPath) => {
      const project = projectById(gitlab, projectId);
      project.formerPaths = [...project.formerPaths, project.fullPath];
      project.fullPath = newPath;
      ensureGroup(gitlab.state, namespaceOf(project));
    },
  };
}

type Code = 'createProject' | 'addHook' | 'commit' | 'createTag';

function seedCode(gitlab: GitLab, own: Own): Pick<Seeding, Code> {
  const lastCommits = new Map<number, Promise<unknown>>();
  return {
    createProject: async (wanted) => {
      const { id, fullPath } = await createProject(gitlab, wanted, own.root);
      const webUrl = `${gitlab.instance().url}/${fullPath}`;
      const httpUrl = `${own.url.replace('://', `://oauth2:${own.token}@`)}/${fullPath}.git`;
      return { id, path: fullPath, webUrl, httpUrl };
    },
    addHook: (projectId, hook) => {
      const wanted = hookParameters.parse({
        url: hook.url,
        token: hook.token,
        signing_token: hook.signingToken,
        push_events: hook.pushEvents ?? true,
        tag_push_events: hook.tagPushEvents ?? false,
      });
      return addHook(gitlab, projectById(gitlab, projectId), wanted).id;
    },
    commit: async (projectId, commit) => {
      const project = projectById(gitlab, projectId);
      const author = { name: own.root.name, email: 'root@example.com', now: gitlab.now() };
      // Of two at once git would take one alone, since both have the same parent.
      const before = lastCommits.get(projectId) ?? Promise.resolve();
      const write = () => writeCommit(gitlab.repo(project), commit, author);
      const written = before.then(write, write);
      lastCommits.set(projectId, written);
      const change = await written;
      await afterPush(gitlab, { project, user: own.root, changes: [change], options: [] });
      return change.after;
    },
    createTag: async (projectId, name, ref) => {
      const project = projectById(gitlab, projectId);
      const repo = gitlab.repo(project);
      const after = await resolveCommit(repo, ref);
      if (after === undefined) throw new Error(`project ${projectId} has no ${ref}`);
      const full = `refs/tags/${name}`;
      const before = (await resolveCommit(repo, full)) ?? ZERO_SHA;
      await inRepo(repo, ['update-ref', full, after]);
      const changes = [{ ref: full, before, after }];
      await afterPush(gitlab, { project, user: own.root, changes, options: [] });
      return after;
    },
  };
}
