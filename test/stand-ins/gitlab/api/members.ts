/** Routes of members: a project's or a group's own, and those together with inherited ones. */
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { allGroupMembers, allMembers } from '../members.ts';
import type { Membership } from '../state.ts';
import { userBasic } from './entities.ts';
import { findGroup } from './groups.ts';
import { asker, notFound, parameters, segment, sendPage } from './http.ts';

const listParameters = z.object({
  query: z.string().default(''),
  user_ids: z
    .union([z.array(z.coerce.number()), z.coerce.number().transform((id) => [id])])
    .optional(),
  state: z.enum(['awaiting', 'active']).optional(),
});

type Members = Map<number, Membership>;

export function memberRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const { state } = gitlab;
  const sources: [string, (request: Request) => Members][] = [
    ['/projects/:id/members/all', (request) => allMembers(state, asker(gitlab, request).project)],
    ['/projects/:id/members', (request) => asker(gitlab, request).project.members],
    ['/groups/:id/members/all', (request) => allGroupMembers(state, findGroup(gitlab, request))],
    ['/groups/:id/members', (request) => findGroup(gitlab, request).members],
  ];
  for (const [path, members] of sources) {
    routes.get(path, (request, response) => list(gitlab, members(request), request, response));
    routes.get(`${path}/:user`, (request, response) => {
      const id = Number(segment(request, 'user'));
      const membership = members(request).get(id);
      if (membership === undefined) throw notFound();
      response.json(memberEntity(gitlab, id, membership));
    });
  }
  return routes;
}

function list(gitlab: GitLab, members: Members, request: Request, response: Response): void {
  const wanted = parameters(request, listParameters);
  const ids = wanted.user_ids ?? idsOfQuery(request);
  const found = [...members].filter(([id, { state }]) => {
    const user = gitlab.state.users.find((one) => one.id === id);
    return (
      (ids === undefined || ids.includes(id)) &&
      (wanted.state === undefined || state === wanted.state) &&
      `${user?.username} ${user?.name}`.includes(wanted.query)
    );
  });
  sendPage(request, response, found, ([id, one]) => memberEntity(gitlab, id, one));
}

/** `?user_ids[]=1&user_ids[]=2`, which the simple parser of queries leaves under that name. */
function idsOfQuery(request: Request): number[] | undefined {
  const given = request.query['user_ids[]'];
  return given === undefined ? undefined : [given].flat().map(Number);
}

/** An expired member or a blocked user is listed as such: it is for the reader to heed it. */
function memberEntity(gitlab: GitLab, id: number, membership: Membership) {
  return {
    ...userBasic(
      gitlab,
      gitlab.state.users.find((user) => user.id === id),
    ),
    access_level: membership.level,
    created_at: membership.createdAt,
    expires_at: membership.expiresAt,
    membership_state: membership.state,
  };
}
