/** Routes of projects. */
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { accessLevel, allMembers, namespaceOf } from '../members.ts';
import { initRepository } from '../smart-http.ts';
import { ensureGroup, type Project, type User, type Visibility } from '../state.ts';
import { createStatusBook } from '../statuses.ts';
import { projectFull } from './entities.ts';
import { asker, authenticate, flag, invalid, parameters, sendPage } from './http.ts';

export interface NewProject {
  path: string;
  name?: string;
  description?: string;
  visibility?: Visibility;
  /** Default enabled. */
  repositoryAccess?: Project['repositoryAccess'];
  defaultBranch?: string;
  /** Names or patterns with `*`; without further word the default branch, as GitLab has it. */
  protectedBranches?: string[];
  protectedTags?: string[];
}

/** Makes a project with an empty repository; its maker is its maintainer. */
export async function createProject(
  gitlab: GitLab,
  wanted: NewProject,
  creator: User,
): Promise<Project> {
  const id = gitlab.state.nextId('project');
  const project: Project = {
    id,
    fullPath: wanted.path,
    name: wanted.name ?? wanted.path.split('/').at(-1) ?? wanted.path,
    description: wanted.description ?? '',
    visibility: wanted.visibility ?? 'private',
    repositoryAccess: wanted.repositoryAccess ?? 'enabled',
    createdAt: gitlab.timestamp(),
    creatorId: creator.id,
    defaultBranch: wanted.defaultBranch ?? 'main',
    protectedBranches: wanted.protectedBranches ?? [wanted.defaultBranch ?? 'main'],
    protectedTags: wanted.protectedTags ?? [],
    formerPaths: [],
    empty: true,
    dir: `${gitlab.options.data}/repositories/${id}.git`,
    members: new Map([
      [creator.id, { level: 50, expiresAt: null, state: 'active', createdAt: gitlab.timestamp() }],
    ]),
    hooks: [],
    hookLogs: [],
    statuses: createStatusBook(),
    environments: [],
    deployments: [],
    variables: [],
    staleBranches: new Map(),
  };
  const namespace = namespaceOf(project);
  // A user's own namespace is no group.
  if (gitlab.state.users.every(({ username }) => username !== namespace)) {
    ensureGroup(gitlab.state, namespace);
  }
  await initRepository(gitlab, project);
  gitlab.state.projects.push(project);
  return project;
}

export function projectRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects', (request, response) => listProjects(gitlab, request, response));
  routes.post('/projects', async (request, response) => {
    const user = authenticate(gitlab, request);
    const project = await createProject(gitlab, readNewProject(gitlab, request, user), user);
    response.status(201).json(projectFull(gitlab, project, user));
  });
  routes.get('/projects/:id', (request, response) => {
    const { project, user } = asker(gitlab, request);
    response.json(projectFull(gitlab, project, user));
  });
  return routes;
}

const newProjectParameters = z
  .object({
    name: z.string().optional(),
    path: z.string().optional(),
    namespace_id: z.coerce.number().int().optional(),
    description: z.string().optional(),
    default_branch: z.string().optional(),
    visibility: z.enum(['private', 'internal', 'public']).optional(),
  })
  .refine(({ name, path }) => name ?? path, { path: ['name'] });

function readNewProject(gitlab: GitLab, request: Request, user: User): NewProject {
  const wanted = parameters(request, newProjectParameters);
  const path = wanted.path ?? (wanted.name ?? '').toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-');
  const group = gitlab.state.groups.find(({ id }) => id === wanted.namespace_id);
  if (wanted.namespace_id !== undefined && group === undefined) {
    throw invalid('namespace', 'is not valid');
  }
  const fullPath = `${group?.fullPath ?? user.username}/${path}`;
  if (gitlab.state.projects.some((project) => project.fullPath === fullPath)) {
    throw invalid('path', 'has already been taken');
  }
  return {
    path: fullPath,
    name: wanted.name ?? path,
    description: wanted.description ?? '',
    visibility: wanted.visibility ?? 'private',
    ...(wanted.default_branch === undefined ? {} : { defaultBranch: wanted.default_branch }),
  };
}

const listParameters = z.object({
  search: z.string().default(''),
  membership: flag.default(false),
  min_access_level: z.coerce.number().int().default(0),
  sort: z.enum(['asc', 'desc']).default('desc'),
  pagination: z.enum(['legacy', 'keyset']).default('legacy'),
  per_page: z.coerce.number().int().min(1).default(20),
  id_after: z.coerce.number().int().optional(),
  id_before: z.coerce.number().int().optional(),
});

function listProjects(gitlab: GitLab, request: Request, response: Response): void {
  const user = authenticate(gitlab, request);
  const wanted = parameters(request, listParameters);
  const found = gitlab.state.projects.filter((project) => {
    const level = accessLevel(gitlab, user, project);
    return (
      level > 0 &&
      project.fullPath.includes(wanted.search) &&
      (!wanted.membership || allMembers(gitlab.state, project).has(user.id)) &&
      level >= wanted.min_access_level
    );
  });
  const sorted = wanted.sort === 'asc' ? found : found.toReversed();
  const present = (project: Project) => projectFull(gitlab, project, user);
  if (wanted.pagination === 'legacy') {
    sendPage(request, response, sorted, present);
    return;
  }
  const { id_after: after = 0, id_before: before = Number.POSITIVE_INFINITY } = wanted;
  const rest = sorted.filter(({ id }) => id > after && id < before);
  const page = rest.slice(0, Math.min(wanted.per_page, 100));
  const last = page.at(-1);
  if (last !== undefined && page.length < rest.length) {
    const next = new URL(request.originalUrl, gitlab.instance().url);
    next.searchParams.set(wanted.sort === 'asc' ? 'id_after' : 'id_before', String(last.id));
    response.set('Link', `<${next.href}>; rel="next"`);
  }
  response.json(page.map(present));
}
