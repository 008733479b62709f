/** Finds the project that a page's address names, for who may look at it. */
import type { Request } from 'express';
import { type Caller, noSuchProject, type Project } from '../../core/access.ts';
import type { Ekiden } from '../../ekiden.ts';

export interface OpenProject {
  project: Project;
  /** The caller's level there. */
  level: number;
}

/** @throws NotFoundError, the same for what is not there and for what one may not see */
export async function openProject(
  { access, projects }: Pick<Ekiden, 'access' | 'projects'>,
  caller: Caller,
  request: Request,
): Promise<OpenProject> {
  const project = await projects.find(plainPath([request.params['path'] ?? ''].flat().join('/')));
  if (!project) throw noSuchProject();
  await access.authorize(caller, project.id, { ability: 'look' });
  return { project, level: await access.level(caller, project.id) };
}

/** A project's path as GitLab writes it, of one with slashes that mean nothing. */
export function plainPath(path: string): string {
  return path.split('/').filter(Boolean).join('/');
}

/** Where the pages of a service lie, below the base; `-` is no name that GitLab lets a project have. */
export function pathOfService(project: string, environment: string, service: string): string {
  return `/projects/${project}/-/environments/${encodeURIComponent(environment)}/services/${service}`;
}

/** The service in the API, below the base. */
export function apiOfService(project: number, environment: string, service: string): string {
  return `/api/v1/projects/${project}/environments/${encodeURIComponent(environment)}/services/${service}`;
}

/** Where the releases of an environment are listed, below the base. */
export function pathOfReleases(project: string, environment: string): string {
  return `/projects/${project}/-/environments/${encodeURIComponent(environment)}/releases`;
}
