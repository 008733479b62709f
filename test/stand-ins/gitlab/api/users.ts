/** Routes of users: who asks, one by id, and those of a name. */
import { Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import type { User } from '../state.ts';
import { userBasic } from './entities.ts';
import { authenticate, notFound, parameters, segment, sendPage } from './http.ts';

export function userRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const { state } = gitlab;
  const present = (user: User) => ({ ...userBasic(gitlab, user), bot: user.bot });
  routes.get('/user', (request, response) => {
    const user = authenticate(gitlab, request);
    const admin = user.admin ? { is_admin: true } : {};
    response.json({ ...present(user), email: user.publicEmail, ...admin });
  });
  routes.get('/users', (request, response) => {
    authenticate(gitlab, request);
    const { username } = parameters(request, z.object({ username: z.string().optional() }));
    const wanted = username?.toLowerCase();
    const found = state.users.filter(
      (user) => wanted === undefined || user.username.toLowerCase() === wanted,
    );
    sendPage(request, response, found, (user) => userBasic(gitlab, user));
  });
  routes.get('/users/:id', (request, response) => {
    const viewer = authenticate(gitlab, request);
    const user = state.users.find(({ id }) => String(id) === segment(request, 'id'));
    if (user === undefined) throw notFound('User');
    response.json({ ...present(user), ...(viewer.admin ? { external: user.external } : {}) });
  });
  return routes;
}
