/** A GitLab for development and tests: one process, real git, and the REST API and hooks that Ekiden uses. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { apiRoutes } from './api/index.ts';
import { createCore, type GitLab, type GitLabOptions } from './core.ts';
import type { Faults } from './faults.ts';
import type { HookLog } from './hooks.ts';
import { servePage } from './pages.ts';
import { createSeeding, projectById, type Seeding } from './seeding.ts';
import { serveGit } from './smart-http.ts';
import { spoil } from './spoil.ts';
import { addToken, addUser } from './state.ts';
import type { StatusPost, StatusRow } from './statuses.ts';

export type { NewProject } from './api/projects.ts';
export type { FileContent, NewCommit } from './commit-writer.ts';
export type { GitLabOptions } from './core.ts';
export { applicationLimit, type Fault, type Faults, rackAttack } from './faults.ts';
export type { HookLog } from './hooks.ts';
export type {
  NewMember,
  NewUser,
  NewVariableOf,
  Place,
  SeededHook,
  SeededProject,
  Seeding,
} from './seeding.ts';
export type { StatusPost, StatusRow } from './statuses.ts';

export interface GitLabStandIn extends Seeding {
  url: string;
  /** A personal access token of the administrator. */
  token: string;
  faults: Faults;
  /** The commit's rows, oldest first, and every accepted post in order. */
  statuses(projectId: number, sha: string): { rows: StatusRow[]; history: StatusPost[] };
  /** Every delivery of the project's hooks, oldest first, with the headers as they were sent. */
  deliveries(projectId: number): HookLog[];
  /** Resolves when no delivery waits or is under way. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the stand-in and answers once it listens. */
export async function startGitLab(options: GitLabOptions): Promise<GitLabStandIn> {
  const gitlab = createCore(options);
  const root = addUser(gitlab.state, { username: 'root', name: 'Administrator', admin: true });
  const { value: token } = addToken(gitlab.state, root.id);
  const server = createServer(requestListener(gitlab));
  // As GitLab's own nginx; a test that is busy for five seconds would lose its next request else.
  server.keepAliveTimeout = 65_000;
  const url = await listen(server, gitlab);
  gitlab.setUrl(url);
  return {
    url,
    token,
    faults: gitlab.faults,
    ...createSeeding(gitlab, { root, token, url }),
    ...watching(gitlab),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await gitlab.stop();
      await closed;
    },
  };
}

async function listen(server: Server, gitlab: GitLab): Promise<string> {
  const { host, port } = gitlab.options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

function requestListener(gitlab: GitLab) {
  const app = webApp(gitlab);
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (await spoil(gitlab, request, response)) return;
    if (!(await serveGit(gitlab, request, response))) app(request, response);
  };
  return (request: IncomingMessage, response: ServerResponse) => {
    const served = serve(request, response).catch((error: unknown) => {
      response.destroy();
      if (gitlab.stopping.aborted) return;
      process.stderr.write(`stand-in GitLab: ${error instanceof Error ? error.stack : error}\n`);
    });
    gitlab.inBackground(served);
  };
}

function webApp(gitlab: GitLab): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use('/api/v4', apiRoutes(gitlab));
  app.get('/-/readiness', (_, response) => {
    response.json({ status: 'ok' });
  });
  app.use((request, response) => servePage(gitlab, request, response));
  return app;
}

function watching(gitlab: GitLab): Pick<GitLabStandIn, 'statuses' | 'deliveries' | 'idle'> {
  return {
    statuses: (projectId, sha) => {
      const { rows, history } = projectById(gitlab, projectId).statuses;
      const ofCommit = (row: StatusRow) => row.sha === sha;
      return { rows: rows.filter(ofCommit), history: history.filter(ofCommit) };
    },
    deliveries: (projectId) => [...projectById(gitlab, projectId).hookLogs],
    idle: async () => await gitlab.idle(),
  };
}
