/** Sets the stage: a stand-in GitLab, and Ekiden on this machine as its users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { packageFolder } from '../../src/paths.ts';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { createWorkingCopy, type WorkingCopy } from './git.ts';
import { poll } from './poll.ts';

export interface StageOptions {
  /** Folder for everything. */
  data: string;
  install: string;
  dockerHost: string;
  images: { node: string; busybox: string };
  /** Seconds until a broken deployment is reversed. */
  deadline: number;
  /** More settings for Ekiden, by environment variable. */
  settings?: Record<string, string>;
}

export interface StageState {
  ekidenUrl: string;
  hookSecret: string;
  gitlabUrl: string;
  gitlabToken: string;
  registry: string;
  nginxUrl: string;
  marathonUrl: string;
  dataDir: string;
}

export interface Stage {
  state: StageState;
  gitlab: GitLabStandIn;
  /** Makes a project with a hook, and a working copy of it. */
  project(path: string): Promise<{ id: number; webUrl: string; copy: WorkingCopy }>;
  stop(): Promise<void>;
}

const upPatience = 30_000;
const stopPatience = 15_000;

export async function setStage(options: StageOptions): Promise<Stage> {
  const { data } = options;
  await mkdir(data, { recursive: true });
  const gitlab = await startGitLab({ data: join(data, 'gitlab') });
  const ekiden = await startEkiden(options, gitlab).catch(async (error: unknown) => {
    await gitlab.stop();
    throw error;
  });
  const { state } = ekiden;

  return {
    state,
    gitlab,
    async project(path) {
      const { id, httpUrl, webUrl } = await gitlab.createProject({ path });
      await gitlab.addHook(id, {
        url: `${state.ekidenUrl}/hooks/gitlab`,
        token: state.hookSecret,
        pushEvents: true,
        tagPushEvents: true,
      });
      const copy = await createWorkingCopy(join(data, 'copies', path), httpUrl);
      return { id, webUrl, copy };
    },
    async stop() {
      await ekiden.stop();
      await gitlab.stop();
    },
  };
}

async function startEkiden(options: StageOptions, gitlab: GitLabStandIn) {
  const { data, install, dockerHost, images, deadline } = options;
  const ports = await freePorts(4);
  const [listen, nginx, registry, engine] = ports.map((port) => `127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
  ];
  const hookSecret = crypto.randomUUID();
  const state: StageState = {
    ekidenUrl: `http://${listen}`,
    hookSecret,
    gitlabUrl: gitlab.url,
    gitlabToken: gitlab.token,
    registry,
    nginxUrl: `http://${nginx}`,
    marathonUrl: `http://${engine}`,
    dataDir: data,
  };
  const child = spawnCli(['up'], join(data, 'ekiden.log'), {
    GITLAB_URL: gitlab.url,
    GITLAB_TOKEN: gitlab.token,
    EKIDEN_HOOK_SECRET: hookSecret,
    EKIDEN_LISTEN: listen,
    EKIDEN_URL: state.ekidenUrl,
    EKIDEN_DATA: data,
    EKIDEN_INSTALL: install,
    NGINX_LISTEN: nginx,
    EKIDEN_REGISTRY_LISTEN: registry,
    EKIDEN_ENGINE_LISTEN: engine,
    EKIDEN_ENGINE_IMAGE: images.busybox,
    EKIDEN_BUILD_ARGS: `NODE_IMAGE=${images.node}`,
    EKIDEN_DEPLOY_DEADLINE: String(deadline),
    DOCKER_HOST: dockerHost,
    ...options.settings,
  });
  await awaitReady(child, state, join(data, 'ekiden.log'));
  return { state, stop: () => end(child) };
}

/** Starts the compiled command line, as a user's shell would. */
function spawnCli(args: string[], logFile: string, settings: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(packageFolder, 'dist/runners/cli.js'), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C reaches the demo alone, which then stops Ekiden in its turn.
    detached: true,
  });
  const log = createWriteStream(logFile);
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  return child;
}

async function awaitReady(child: ChildProcess, state: StageState, logFile: string): Promise<void> {
  try {
    await poll(
      async () => {
        if (child.exitCode !== null) return false;
        return (await fetch(`${state.ekidenUrl}/readyz`)).ok || undefined;
      },
      { within: upPatience, every: 30, what: 'ekiden up' },
    ).then((ready) => {
      if (!ready) throw new Error(`ekiden up ended with ${child.exitCode}`);
    });
  } catch (error) {
    await end(child);
    const log = (await readFile(logFile, 'utf8')).trim().slice(-1_000);
    throw new Error(`${(error as Error).message}\n${log}`, { cause: error });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), stopPatience);
  await exited;
  clearTimeout(cut);
}

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
