/** A Job runs a command once, in the image and with the variables of a release. */
import type { Deployment } from './deployment.ts';
import type { JobSpec } from './manifest.ts';
import type { Page, Paging } from './page.ts';
import type { Release } from './release.ts';

/** `before` and `after`: asked for by a deployment; `cron`: by the clock; `task`: by a person. */
export type JobKind = 'before' | 'after' | 'cron' | 'task';

/** `skipped`: was due while the run before it still went on. */
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled' | 'skipped';

export interface Job {
  id: string;
  kind: JobKind;
  /** Of the manifest's job, for those by the clock. */
  name?: string;
  project: number;
  environment: string;
  service: string;
  /** Id of the service's app, and number of the release whose image, variables and size it has. */
  app: string;
  release: number;
  /** A string is run by a shell, a list as it is. */
  command: string | string[];
  cpus?: number;
  mem?: number;
  /** Seconds after which it is ended. */
  timeout: number;
  by: string;
  /** Deployment that waits for it. */
  deployment?: string;
  /** Where it runs; chosen once, before it is sent. */
  dataCentre?: string;
  /** Milliseconds since the epoch at which Marathon took it. */
  sentAt?: number;
  /** Marathon's task id. */
  instance?: string;
  /** Why it has to end before it does so by itself. */
  stop?: JobStop;
  /** How much of its output is in its log. */
  printed?: Printed;
  /** True where no node could tell what it printed, or the rest of it. */
  isLogIncomplete?: boolean;
  /** How often it was due while the run before it went on, for one that was skipped. */
  skips?: number;
  state: JobState;
  /** Why it has not begun, or is not to be looked at, while that is tried again; empty otherwise. */
  waiting?: string;
  /** Known once it has ended by itself. */
  exitCode?: number;
  /** Why it waits or ended so, in one sentence. */
  reason?: string;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
}

/** `late`: its time was over; `canceled`: a person said so, or what it belongs to was taken down. */
export interface JobStop {
  why: 'late' | 'canceled';
  /** In words for people. */
  reason: string;
}

/** Bytes of each file that are in the log, and how many pieces the log got so far. */
export interface Printed {
  pieces: number;
  stdout: number;
  stderr: number;
  /** Where the next piece ends, which may be in the log already. */
  next?: { stdout: number; stderr: number };
}

/** True while nothing final is known of the job. */
export function isPending({ state }: Pick<Job, 'state'>): boolean {
  return state === 'queued' || state === 'running';
}

/** Keeps jobs, newest first. */
export interface JobStore {
  find(id: string): Promise<Job | undefined>;
  /** Creates the record unless it is there already; answers the one that is kept. */
  create(job: Job): Promise<Job>;
  update(id: string, change: Partial<Job>): Promise<Job>;
  /** Moves a job that has not ended into `state`, once; false when it had ended before. */
  end(id: string, state: JobState, reason?: string): Promise<boolean>;
  active(): Promise<string[]>;
  list(project: number, paging: Paging & { environment?: string }): Promise<Page<Job>>;
}

/** Runs the commands that a manifest names before and after a deployment. */
export interface ReleaseCommands {
  /**
   * Runs it once, also when asked again after a crash, and waits for its end.
   * Answers why it failed, in one sentence; undefined when it went well.
   */
  run(
    wanted: { deployment: Deployment; release: Release; when: 'before' | 'after' },
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

/** A job of the manifest that runs by the clock in an environment. */
export interface Schedule {
  project: number;
  environment: string;
  /** Id of the app of its service. */
  app: string;
  job: JobSpec;
}

/** Work that is due: which schedule, by the id of its app and the name of its job. */
export interface DueWork {
  app: string;
  name: string;
}

/** Keeps what runs by the clock, and puts it in line when it is due. */
export interface ScheduleStore {
  find(app: string, name: string): Promise<Schedule | undefined>;
  /** Of the app, by name. */
  list(app: string): Promise<Schedule[]>;
  /** Begins or changes it; one that is there as it is goes on undisturbed. */
  save(schedule: Schedule): Promise<void>;
  remove(app: string, name: string): Promise<void>;
}
