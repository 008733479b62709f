/** A GitLab with a project, and an access over it whose clock is set and whose questions are counted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createAccess } from '../../src/access/access.ts';
import { createGitLabPeople, type GitLabPeople } from '../../src/clients/gitlab-people.ts';
import type { Access } from '../../src/core/access.ts';
import { createSessions } from '../../src/stores/sessions.ts';
import { createTickets } from '../../src/stores/tickets.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { openRedis, useRedis } from '../support/redis.ts';

export type Rig = Awaited<ReturnType<typeof startRig>>;

/** For the tests of a file; the object is filled before the first of them. */
export function useRig(): Rig {
  const redis = useRedis();
  const rig = {} as Rig;
  beforeAll(async () => {
    Object.assign(rig, await startRig(redis));
  });
  beforeEach(() => rig.gitlab.faults.clear());
  afterAll(() => rig.stop());
  return rig;
}

async function startRig(redis: ReturnType<typeof useRedis>) {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'access-'));
  const gitlab = await startGitLab({ data });
  const { id: project } = await gitlab.createProject({ path: 'shop/web' });
  const { id: other } = await gitlab.createProject({ path: 'shop/other' });
  await gitlab.commit(project, { branch: 'main', message: 'one', files: { a: '1' } });
  let count = 0;
  return {
    ...{ gitlab, project, other },
    newUser(accessLevel?: number) {
      count += 1;
      const member = accessLevel === undefined ? {} : { projectId: project, accessLevel };
      return gitlab.createUser({ username: `grace-${count}`, ...member });
    },
    /** From now on GitLab fails. */
    away: () => gitlab.faults.add({ route: /api/, status: 500, body: {}, times: 100 }),
    /** An access of its own for one test; `later` moves its clock by seconds. */
    open(options: { serviceToken?: string; keys?: ReturnType<typeof openRedis> } = {}) {
      const { serviceToken = gitlab.token, keys = openRedis(redis) } = options;
      let time = 1;
      const { people, asked } = counted(gitlab, serviceToken);
      const access = createAccess({
        ...{ people, serviceToken, now: () => time },
        sessions: createSessions(keys),
        tickets: createTickets(keys),
      });
      const later = (seconds: number) => {
        time += seconds * 1000;
      };
      return { access, asked, keys, later };
    },
    async stop() {
      await gitlab.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export function withToken(access: Access, value: string) {
  return access.identify({ kind: 'token', value });
}

/** The client, and the names of what it was asked. */
function counted({ url }: GitLabStandIn, token: string) {
  const asked: string[] = [];
  const client = createGitLabPeople({ url, token });
  const entries = Object.entries(client) as [string, (...given: never[]) => unknown][];
  const people = Object.fromEntries(
    entries.map(([name, ask]) => [
      name,
      (...given: never[]) => {
        asked.push(name);
        return ask(...given);
      },
    ]),
  ) as unknown as GitLabPeople;
  return { people, asked };
}
