/** What an app in Marathon tells of its job; a function of data. */
import type { MarathonApp, MarathonQueueItem } from '../clients/marathon.ts';
import { codeOf, endingOf } from '../core/ending.ts';

/** `unclear`: neither its task nor how that ended is to be seen now. */
export type Seen =
  | { is: 'waiting' }
  | { is: 'active'; instance: string; startedAt?: number }
  /** Marathon began it anew, so its first start has ended; `instance` is that of the first. */
  | { is: 'again'; instance: string }
  | { is: 'ended'; exitCode?: number; reason?: string; instance?: string }
  | { is: 'unclear' };

export interface Look {
  app: MarathonApp;
  /** Its place in Marathon's launch queue; undefined when it has none. */
  queued: MarathonQueueItem | undefined;
  /** Task id of its first start, where that was seen. */
  instance: string | undefined;
}

/** A back-off that is so long, in seconds, was made by an end: before its first start there is none. */
const backedOff = 60 * 60;

/** Reads how a job is; TASK_FINISHED leaves no failure, and what waits then has ended well. */
export function readJob({ app, queued, instance }: Look): Seen {
  const task = app.tasks.find(({ state }) => !isTerminal(state));
  const first = instance ?? (task && firstOf(task.id));
  if (task && first === task.id) {
    const startedAt = Date.parse(task.startedAt ?? '');
    const isRunning = task.state === 'TASK_RUNNING' && Number.isFinite(startedAt);
    return { is: 'active', instance: task.id, ...(isRunning ? { startedAt } : {}) };
  }
  const failure = app.lastTaskFailure;
  if (failure) return { is: 'ended', ...endOf(failure), instance: first ?? failure.taskId };
  if (first !== undefined && task) return { is: 'again', instance: first };
  if ((queued?.delay?.timeLeftSeconds ?? 0) > backedOff) return { is: 'ended', exitCode: 0 };
  return instance === undefined ? { is: 'waiting' } : { is: 'unclear' };
}

/** Marathon counts the starts of an instance at the end of its tasks' ids (1.8 and newer). */
function firstOf(id: string): string {
  return id.replace(/\._app\.\d+$/, '._app.1');
}

const terminal = new Set([
  ...['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED'],
  ...['TASK_GONE', 'TASK_GONE_BY_OPERATOR'],
]);

function isTerminal(state: string | undefined): boolean {
  return state !== undefined && terminal.has(state);
}

/** Exit code, also of a signal, and reason of a task's end that was none with 0. */
export function endOf(failure: { state: string; message: string }): {
  exitCode?: number;
  reason: string;
} {
  const { sentence: reason, code, signal } = endingOf(failure);
  const exitCode = code ?? (signal === undefined ? undefined : codeOf(signal));
  return { ...(exitCode === undefined ? {} : { exitCode }), reason };
}
