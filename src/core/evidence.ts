/** Evidence is what a failed instance left behind, kept with its release. */
import type { Limits, Series } from './sample.ts';

/** What a check said last. */
export interface CheckAnswer {
  /** Such as `HTTP /health on 8080`. */
  check: string;
  alive: boolean;
  consecutiveFailures: number;
  cause?: string;
  /** Milliseconds since the epoch of the last failure. */
  at?: number;
}

/** The end of a log file. */
export interface LogTail {
  /** `stdout`, `stderr`, or the path below the sandbox. */
  path: string;
  /** The last 200, oldest first, each cut where it is longer than a screen holds. */
  lines: string[];
}

export interface Evidence {
  /** Marathon's task id. */
  instance: string;
  /** Id that names the service, also for what was tried beside it (serviceAppOf). */
  app: string;
  project: number;
  environment: string;
  service: string;
  release: number;
  dataCentre: string;
  host?: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Marathon's word, such as TASK_FAILED. */
  state: string;
  /** What happened, in one sentence. */
  reason: string;
  exit?: { code?: number; signal?: string; outOfMemory: boolean };
  checks: CheckAnswer[];
  /** TCP ports on which its own processes listened, where that is known. */
  listening?: number[];
  logs: LogTail[];
  /** How many log files there were besides, of which no lines are kept; absent for none. */
  otherLogs?: number;
  usage?: { limits: Limits; series: Series };
}

/** What a list tells of it. */
export type EvidenceSummary = Omit<Evidence, 'logs' | 'otherLogs' | 'usage'>;

/** Keeps evidence as long as its release; of one release the first and the newest few. */
export interface EvidenceStore {
  /** Once for each instance: later calls for the same one change nothing, and answer false. */
  save(evidence: Evidence): Promise<boolean>;
  /** True for an instance that was saved once, also if only others of its release are kept. */
  isKnown(app: string, release: number, instance: string): Promise<boolean>;
  find(app: string, release: number, instance: string): Promise<Evidence | undefined>;
  /** Of a release, oldest first. */
  list(app: string, release: number): Promise<EvidenceSummary[]>;
  /** How many instances of the release were saved, also those that are not kept. */
  count(app: string, release: number): Promise<number>;
  /** Numbers of the releases of which there is any, newest first. */
  releases(app: string): Promise<number[]>;
  /** Forgets that of the app, or of one release of it. */
  forget(app: string, release?: number): Promise<void>;
}
