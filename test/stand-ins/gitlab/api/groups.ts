/** Routes of groups: as much as is needed to put a project into one and to find its parents. */
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { groupLevel } from '../members.ts';
import { ensureGroup, type Group } from '../state.ts';
import { groupEntity } from './entities.ts';
import {
  authenticate,
  forbidden,
  invalid,
  notFound,
  parameters,
  segment,
  sendPage,
} from './http.ts';

const newGroup = z.object({
  name: z.string(),
  path: z.string(),
  parent_id: z.coerce.number().int().optional(),
});

export function groupRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const { state } = gitlab;
  routes.get('/groups', (request, response) => {
    const user = authenticate(gitlab, request);
    const visible = state.groups.filter((group) => groupLevel(gitlab, user, group) > 0);
    sendPage(request, response, visible, (group) => groupEntity(gitlab, group));
  });
  routes.post('/groups', (request, response) => {
    authenticate(gitlab, request);
    const wanted = parameters(request, newGroup);
    const parent = state.groups.find(({ id }) => id === wanted.parent_id);
    const fullPath = parent === undefined ? wanted.path : `${parent.fullPath}/${wanted.path}`;
    if (state.groups.some((group) => group.fullPath === fullPath)) {
      throw invalid('path', 'has already been taken');
    }
    const group = ensureGroup(state, fullPath);
    group.name = wanted.name;
    response.status(201).json(groupEntity(gitlab, group));
  });
  routes.get('/groups/:id', (request, response) => {
    response.json(groupEntity(gitlab, findGroup(gitlab, request)));
  });
  return routes;
}

/** The group of the path, by number or full path: invisible is unknown, too low a level is forbidden. */
export function findGroup(gitlab: GitLab, request: Request, least = 0): Group {
  const user = authenticate(gitlab, request);
  const wanted = segment(request, 'id');
  const group = gitlab.state.groups.find(({ id, fullPath }) =>
    [String(id), fullPath.toLowerCase()].includes(wanted.toLowerCase()),
  );
  const level = group === undefined ? 0 : groupLevel(gitlab, user, group);
  if (group === undefined || level === 0) throw notFound('Group');
  if (level < least) throw forbidden();
  return group;
}
