/** Routes of groups: as much as is needed to put a project into one. */
import { Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { ensureGroup } from '../state.ts';
import { groupEntity } from './entities.ts';
import { authenticate, invalid, notFound, parameters, segment, sendPage } from './http.ts';

const newGroup = z.object({
  name: z.string(),
  path: z.string(),
  parent_id: z.coerce.number().int().optional(),
});

export function groupRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const { state } = gitlab;
  routes.get('/groups', (request, response) => {
    authenticate(gitlab, request);
    sendPage(request, response, state.groups, (group) => groupEntity(gitlab, group));
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
    authenticate(gitlab, request);
    const wanted = segment(request, 'id');
    const group = state.groups.find(({ id, fullPath }) => [String(id), fullPath].includes(wanted));
    if (group === undefined) throw notFound('Group');
    response.json(groupEntity(gitlab, group));
  });
  return routes;
}
