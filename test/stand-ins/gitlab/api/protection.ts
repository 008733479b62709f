/** Routes of protected branches and tags. */
import { Router } from 'express';
import type { GitLab } from '../core.ts';
import type { Project } from '../state.ts';
import { asker, DEVELOPER, notFound, segment, sendPage } from './http.ts';

export function protectionRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const kinds: [string, (project: Project) => string[], (name: string, id: number) => unknown][] = [
    ['branches', ({ protectedBranches }) => protectedBranches, branchEntity],
    ['tags', ({ protectedTags }) => protectedTags, tagEntity],
  ];
  for (const [kind, names, present] of kinds) {
    const path = `/projects/:id/protected_${kind}`;
    routes.get(path, (request, response) => {
      const found = names(asker(gitlab, request, DEVELOPER).project);
      const numbered = found.map((name, index) => ({ name, id: index + 1 }));
      sendPage(request, response, numbered, ({ name, id }) => present(name, id));
    });
    routes.get(`${path}/:name`, (request, response) => {
      const found = names(asker(gitlab, request, DEVELOPER).project);
      const index = found.indexOf(segment(request, 'name'));
      if (index === -1) throw notFound();
      response.json(present(found[index] ?? '', index + 1));
    });
  }
  return routes;
}

const MAINTAINERS = {
  id: 1,
  access_level: 40,
  access_level_description: 'Maintainers',
  deploy_key_id: null,
  user_id: null,
  group_id: null,
};

function branchEntity(name: string, id: number) {
  return {
    id,
    name,
    push_access_levels: [MAINTAINERS],
    merge_access_levels: [MAINTAINERS],
    allow_force_push: false,
  };
}

function tagEntity(name: string) {
  return { name, create_access_levels: [MAINTAINERS] };
}
