/** Sets the stage: a stand-in GitLab, and Ekiden on this machine as its users start it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitLabStandIn, startGitLab } from '../stand-ins/gitlab/gitlab.ts';
import { startEkidenProcess } from './ekiden-process.ts';
import { freeAddresses } from './free-ports.ts';
import { createWorkingCopy, type WorkingCopy } from './git.ts';

export interface StageOptions {
  /** Folder for everything. */
  data: string;
  /** Folder of Ekiden alone, where that is another one. */
  ekidenData?: string;
  install: string;
  dockerHost: string;
  images: { node: string; busybox: string };
  /** Seconds until a broken deployment is reversed. */
  deadline: number;
  /** Settings besides those of the stage. */
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
  /** Where the role node listens. */
  node: string;
  dataDir: string;
}

export interface Stage {
  state: StageState;
  gitlab: GitLabStandIn;
  /** Makes a project with a hook, and a working copy of it. */
  project(path: string): Promise<{ id: number; webUrl: string; copy: WorkingCopy }>;
  stop(): Promise<void>;
}

/** What starts Ekiden with settings; by default `ekiden up`. */
export type Starter = (
  settings: Record<string, string>,
  state: StageState,
) => Promise<{ stop(): Promise<unknown> }>;

export async function setStage(options: StageOptions, start: Starter = startUp): Promise<Stage> {
  const { data, ekidenData = data } = options;
  for (const folder of [data, ekidenData]) await mkdir(folder, { recursive: true });
  const gitlab = await startGitLab({ data: join(data, 'gitlab') });
  const state = await planState(ekidenData, gitlab);
  const ekiden = await start(settingsOf(options, state), state).catch(async (error: unknown) => {
    await gitlab.stop();
    throw error;
  });

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

/** Asks whether Ekiden answers and has its Redis. */
export async function isReady({ ekidenUrl }: StageState): Promise<boolean> {
  return (await fetch(`${ekidenUrl}/readyz`)).ok;
}

const startUp: Starter = (settings, state) =>
  startEkidenProcess({
    name: 'ekiden',
    args: ['up'],
    settings,
    data: state.dataDir,
    isReady: () => isReady(state),
  });

async function planState(data: string, gitlab: GitLabStandIn): Promise<StageState> {
  const [listen = '', nginx = '', registry = '', engine = '', node = ''] = await freeAddresses(5);
  return {
    ekidenUrl: `http://${listen}`,
    hookSecret: crypto.randomUUID(),
    gitlabUrl: gitlab.url,
    gitlabToken: gitlab.token,
    registry,
    nginxUrl: `http://${nginx}`,
    marathonUrl: `http://${engine}`,
    node,
    dataDir: data,
  };
}

function settingsOf(options: StageOptions, state: StageState): Record<string, string> {
  const { install, dockerHost, images, deadline } = options;
  return {
    GITLAB_URL: state.gitlabUrl,
    GITLAB_TOKEN: state.gitlabToken,
    EKIDEN_HOOK_SECRET: state.hookSecret,
    EKIDEN_LISTEN: new URL(state.ekidenUrl).host,
    EKIDEN_URL: state.ekidenUrl,
    EKIDEN_DATA: state.dataDir,
    EKIDEN_INSTALL: install,
    NGINX_LISTEN: new URL(state.nginxUrl).host,
    EKIDEN_REGISTRY_LISTEN: state.registry,
    EKIDEN_NODE_LISTEN: state.node,
    EKIDEN_ENGINE_LISTEN: new URL(state.marathonUrl).host,
    EKIDEN_ENGINE_IMAGE: images.busybox,
    EKIDEN_BUILD_ARGS: `NODE_IMAGE=${images.node}`,
    EKIDEN_DEPLOY_DEADLINE: String(deadline),
    DOCKER_HOST: dockerHost,
    ...options.settings,
  };
}
