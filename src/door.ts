/** Puts together who may come in, and how GitLab's deliveries do. */
import { createAccess } from './access/access.ts';
import { createProjects } from './access/projects.ts';
import { createGitLabHooks } from './clients/gitlab-hooks.ts';
import { createGitLabPeople } from './clients/gitlab-people.ts';
import { gitlabConnection } from './config.ts';
import { createHookRegistration } from './gitlab/hook-registration.ts';
import type { Parts } from './parts.ts';

export function createDoor({ config, stores, gitlab }: Parts) {
  const connection = gitlabConnection(config);
  const { sessions, tickets, secrets } = stores;
  return {
    access: createAccess({
      ...{ sessions, tickets, serviceToken: config.gitlabToken },
      people: createGitLabPeople(connection),
    }),
    projects: createProjects({ gitlab }),
    hookRegistration: createHookRegistration({
      hooks: createGitLabHooks(connection),
      url: config.url,
      secret: async () => config.hookSecret ?? secrets.get('hook'),
      signingToken: config.signingToken,
    }),
  };
}
