/** What jobs printed, for those who read and follow it. */
import { type BuildLogState, type BuildLogStore, isGone } from './core/build-log.ts';
import { isPending, type JobStore } from './core/job.ts';
import type { ByteRange, LogFrame, OpenLogFile } from './core/log-file.ts';
import { followBuildLog, noLongerKept, readBuildLog } from './logs/build-log.ts';

export interface JobLogs {
  /** Of size 0 while nothing was printed. @throws EkidenError (410) once the log was given up */
  state(job: string): Promise<BuildLogState>;
  open(job: string, range: ByteRange): Promise<OpenLogFile>;
  /** Until the job has ended, and all is read. */
  follow(job: string, follow: { from: number; signal: AbortSignal }): AsyncIterable<LogFrame>;
}

/** A job has ended only once all that it printed is in its log. */
const ending = { what: 'job', lastWords: 0 };

export function createJobLogs(store: BuildLogStore, jobs: Pick<JobStore, 'find'>): JobLogs {
  async function state(job: string) {
    const found = await store.state(job);
    if (isGone(found)) throw noLongerKept();
    return found;
  }

  async function isOver(id: string) {
    const job = await jobs.find(id);
    return !job || !isPending(job);
  }

  return {
    state,
    async open(job, { start, end }) {
      const { size, modifiedAt } = await state(job);
      const bytes = readBuildLog(store, job, { start, stop: Math.min(end + 1, size) });
      return { file: { path: 'log', size, modifiedAt }, identity: job, bytes };
    },
    follow: (job, follow) =>
      followBuildLog({ ...follow, store, build: job, isOver: () => isOver(job), ...ending }),
  };
}
