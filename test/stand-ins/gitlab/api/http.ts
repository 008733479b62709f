/** What the routes of the REST API share: errors, parameters, pages, and who asks about what. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { accessLevel } from '../members.ts';
import { type Repo, resolveCommit } from '../repository.ts';
import { findMovedProject, findProject, type Project, type User } from '../state.ts';
import { ApiError, forbidden, notFound } from './api-error.ts';
import { authenticate } from './authentication.ts';

export { ApiError, forbidden, invalid, notFound } from './api-error.ts';
export { authenticate } from './authentication.ts';

/** Access levels, compared with ≥. */
export const REPORTER = 20;
export const DEVELOPER = 30;
export const MAINTAINER = 40;
export const OWNER = 50;

export interface Asker {
  user: User;
  project: Project;
  repo: Repo;
  level: number;
}

/** One segment of the path, decoded. */
export function segment(request: Request, name: string): string {
  return String(request.params[name] ?? '');
}

/** Who asks, and the project of the path: invisible is unknown, too low a level is forbidden. */
export function asker(gitlab: GitLab, request: Request, least = 0): Asker {
  const user = authenticate(gitlab, request);
  const project = findProject(gitlab.state, segment(request, 'id'));
  const level = project === undefined ? 0 : accessLevel(gitlab, user, project);
  if (project === undefined) redirectMoved(gitlab, request, user);
  if (project === undefined || level === 0) throw notFound('Project');
  if (level < least) throw forbidden();
  return { user, project, repo: gitlab.repo(project), level };
}

/** Readers of a former path are sent to the same address by number, as since 16.7; writers are refused. */
function redirectMoved(gitlab: GitLab, request: Request, user: User): void {
  const path = segment(request, 'id');
  const project = findMovedProject(gitlab.state, path);
  if (project === undefined || accessLevel(gitlab, user, project) === 0) return;
  if (!['GET', 'HEAD'].includes(request.method)) {
    throw new ApiError(405, { message: 'Non GET methods are not allowed for moved projects' });
  }
  const former = /\/projects\/[^/?]+/;
  const there = request.originalUrl.replace(former, `/projects/${project.id}`);
  const location = `${gitlab.instance().url}${there}`;
  const text = `This resource has been moved permanently to ${location}.`;
  throw new ApiError(301, text, { Location: location });
}

/** The commit that a ref means, the default branch without one; 404 Commit Not Found. */
export async function commitOf(found: Asker, ref: string | undefined): Promise<string> {
  const sha = await resolveCommit(found.repo, ref ?? found.project.defaultBranch);
  if (sha === undefined) throw notFound('Commit');
  return sha;
}

/** Query and body as one set of parameters; what does not fit is answered in Grape's words. */
export function parameters<T extends z.ZodType>(request: Request, schema: T): z.output<T> {
  const given = { ...request.query, ...(request.body as Record<string, unknown> | undefined) };
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const name = issue.path.join('.');
    const missing = given[String(issue.path[0])] === undefined;
    if (missing) return `${name} is missing`;
    return issue.code === 'invalid_value'
      ? `${name} does not have a valid value`
      : `${name} is invalid`;
  });
  throw new ApiError(400, { error: problems.join(', ') });
}

/** A boolean as JSON, a query or a form has it. */
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])])
  .transform((value) => value === true || value === 'true' || value === '1');

const paging = z.object({
  page: z.coerce.number().int().min(1).default(1),
  per_page: z.coerce.number().int().min(1).default(20),
});

/** Answers one page with GitLab's headers; pages hold 100 at most. */
export function sendPage<T>(
  request: Request,
  response: Response,
  items: T[],
  present: (item: T) => unknown,
): void {
  const { page, per_page } = parameters(request, paging);
  const perPage = Math.min(per_page, 100);
  const pages = Math.max(1, Math.ceil(items.length / perPage));
  const shown = items.slice((page - 1) * perPage, page * perPage);
  response.set({
    'X-Page': String(page),
    'X-Per-Page': String(perPage),
    'X-Prev-Page': page > 1 ? String(page - 1) : '',
    'X-Next-Page': page < pages ? String(page + 1) : '',
  });
  if (items.length <= 10_000) {
    response.set({ 'X-Total': String(items.length), 'X-Total-Pages': String(pages) });
  }
  response.set('Link', pageLinks(request, { page, perPage, pages }));
  response.json(shown.map(present));
}

function pageLinks(request: Request, at: { page: number; perPage: number; pages: number }): string {
  const link = (rel: string, page: number) => {
    const url = new URL(request.originalUrl, `${request.protocol}://${request.get('host')}`);
    url.searchParams.set('page', String(page));
    url.searchParams.set('per_page', String(at.perPage));
    return `<${url.href}>; rel="${rel}"`;
  };
  return [
    ...(at.page > 1 ? [link('prev', at.page - 1)] : []),
    ...(at.page < at.pages ? [link('next', at.page + 1)] : []),
    link('first', 1),
    link('last', at.pages),
  ].join(', ');
}
