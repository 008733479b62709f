/** Sees what GitLab shows of a commit, and follows the links to Ekiden's pages as a user does. */
import type { Leg } from '../../src/core/timeline.ts';
import type { GitLabStandIn } from '../stand-ins/gitlab/gitlab.ts';
import { poll } from './poll.ts';

export interface ShownStatus {
  name: string;
  status: string;
  description: string;
  targetUrl: string;
}

export interface DeploymentPage {
  id: string;
  app: string;
  state: string;
  reason: string | null;
  addresses: string[];
  legs: Leg[];
}

export interface BuildPage {
  id: string;
  state: string;
  reason: string | null;
  sha: string;
  legs: Leg[];
  log: string;
  deployments: DeploymentPage[];
}

/** The newest row of each status of a commit. */
export async function statusesOf(
  gitlab: GitLabStandIn,
  project: number,
  sha: string,
): Promise<ShownStatus[]> {
  const answer = await fetch(
    `${gitlab.url}/api/v4/projects/${project}/repository/commits/${sha}/statuses`,
    { headers: { 'PRIVATE-TOKEN': gitlab.token } },
  );
  const rows = (await answer.json()) as Record<string, string | null>[];
  return rows.map((row) => ({
    name: row['name'] ?? '',
    status: row['status'] ?? '',
    description: row['description'] ?? '',
    targetUrl: row['target_url'] ?? '',
  }));
}

export interface AwaitedStatus {
  project: number;
  sha: string;
  name: string;
  /** Any of these ends the wait. */
  states: string[];
  within: number;
}

/** Waits until GitLab shows the status in one of the states. */
export function awaitStatus(gitlab: GitLabStandIn, wanted: AwaitedStatus): Promise<ShownStatus> {
  const { project, sha, name, states, within } = wanted;
  return poll(
    async () => {
      const found = await statusesOf(gitlab, project, sha);
      return found.find((row) => row.name === name && states.includes(row.status));
    },
    { within, what: `${name} of ${sha.slice(0, 12)} becoming ${states.join(' or ')}` },
  );
}

/** What a status links to, as data; `gitlab` lends the token of somebody who may look. */
export async function readPage<T = BuildPage>(gitlab: GitLabStandIn, url: string): Promise<T> {
  const headers = { accept: 'application/json', 'private-token': gitlab.token };
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  return (await answer.json()) as T;
}
