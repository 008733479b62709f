/** The parts of a running stand-in that its routes share. */
import { mkdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeliverer, type Deliverer } from './deliver.ts';
import { createFaults, type Faults } from './faults.ts';
import { createGit, type Git } from './git.ts';
import type { Instance } from './hook-body.ts';
import { countFailure, isDisabled } from './hook-failures.ts';
import type { Delivery, HookLog } from './hooks.ts';
import type { Repo } from './repository.ts';
import { createState, type Project, type State } from './state.ts';

export interface GitLabOptions {
  /** Folder for the repositories; made where it is missing, never removed. */
  data: string;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** The release to be, which decides on headers and keys; default 19.1.0. */
  version?: string;
  /** Base URL in links and hook bodies; default is where it listens. */
  publicUrl?: string;
  /** Milliseconds since 1970; default is the clock. */
  now?: () => number;
  /** How long a hook may take to answer; default 10 s, as GitLab has it. */
  hookTimeoutMs?: number;
  /** Archives a user may ask of a project in a minute; default 5, 0 is without limit. */
  archivesPerMinute?: number;
  /** Whether a status posted twice is accepted, as newer releases do; default false. */
  idempotentStatuses?: boolean;
  /** Whether hooks may call this machine and private networks; default true, where GitLab says false. */
  allowLocalRequests?: boolean;
  /** Whether hooks that fail again and again are switched off; default false, as self-managed. */
  disableFailingHooks?: boolean;
  /** Whether hook bodies carry the options of `git push -o`; default true. */
  pushOptionsInHooks?: boolean;
}

export interface GitLab {
  options: Required<Omit<GitLabOptions, 'publicUrl'>>;
  state: State;
  git: Git;
  faults: Faults;
  deliverer: Deliverer;
  /** Folder for files that live as long as a request. */
  scratch: string;
  now(): number;
  /** The time now as GitLab's JSON has it. */
  timestamp(): string;
  instance(): Instance;
  /** Says where it listens, once that is known. */
  setUrl(url: string): void;
  repo(project: Project): Repo;
  /** Sends a delivery behind the others of its hook, and keeps it in the hook's log. */
  deliver(delivery: Delivery): void;
  keepLog(project: Project, log: HookLog): void;
  /** Aborted when the stand-in stops. */
  stopping: AbortSignal;
  /** Breaks off all that is under way, and waits until it has ended. */
  stop(): Promise<void>;
  /** Counts work that goes on after an answer, so that `idle` can wait for it. */
  inBackground(work: Promise<void>): void;
  /** Resolves when neither work in the background nor a delivery is left. */
  idle(): Promise<void>;
  makeFolder(path: string): Promise<void>;
}

/** Deliveries kept of a project, and the text they may hold in all: what GitLab keeps 7 days. */
const MAX_LOGS = 1000;
const MAX_LOG_CHARS = 64 * 1024 * 1024;

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  version: '19.1.0',
  now: Date.now,
  hookTimeoutMs: 10_000,
  archivesPerMinute: 5,
  idempotentStatuses: false,
  allowLocalRequests: true,
  disableFailingHooks: false,
  pushOptionsInHooks: true,
};

export function createCore(given: GitLabOptions): GitLab {
  const options = { ...DEFAULTS, ...given };
  const scratch = join(options.data, 'scratch');
  mkdirSync(join(options.data, 'repositories'), { recursive: true });
  mkdirSync(scratch, { recursive: true });
  const state = createState();
  const git = createGit({ home: options.data });
  let url = given.publicUrl ?? '';
  const instance = () => ({ url, version: options.version });
  const deliverer = createDeliverer({
    instance,
    now: options.now,
    nextId: () => state.nextId('hook log'),
    timeoutMs: options.hookTimeoutMs,
  });
  const stopper = new AbortController();
  const background = new Set<Promise<void>>();
  const keepLog = (project: Project, log: HookLog) => keepWithin(project.hookLogs, log);
  const idle = async () => {
    while (background.size > 0) await Promise.allSettled([...background]);
    await deliverer.idle();
  };
  return {
    options,
    state,
    git,
    faults: createFaults({ now: options.now }),
    deliverer,
    scratch,
    now: options.now,
    timestamp: () => new Date(options.now()).toISOString(),
    instance,
    setUrl: (listening) => {
      url = given.publicUrl ?? listening;
    },
    repo: (project) => ({ git, dir: project.dir }),
    deliver: (delivery) => {
      const project = state.projects.find(({ id }) => id === delivery.hook.projectId);
      if (project === undefined || isDisabled(delivery.hook, options.now())) return;
      deliverer.enqueue(delivery, (log) => {
        keepLog(project, log);
        if (options.disableFailingHooks) countFailure(delivery.hook, log, options.now());
      });
    },
    keepLog,
    inBackground: (work) => {
      const counted = work.finally(() => background.delete(counted));
      background.add(counted);
    },
    idle,
    stopping: stopper.signal,
    stop: async () => {
      stopper.abort();
      deliverer.stop();
      git.stop();
      await idle();
    },
    makeFolder: async (path) => {
      await mkdir(path, { recursive: true });
    },
  };
}

function keepWithin(logs: HookLog[], log: HookLog): void {
  logs.push(log);
  let chars = logs.reduce((sum, { requestBody }) => sum + requestBody.length, 0);
  while (logs.length > MAX_LOGS || (chars > MAX_LOG_CHARS && logs.length > 1)) {
    chars -= logs.shift()?.requestBody.length ?? 0;
  }
}
