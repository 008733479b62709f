/** Puts together what runs jobs: their runner, what people ask of them, the clock, and their logs. */
import type { NodeClient } from './clients/node.ts';
import type { JobStore, ReleaseCommands } from './core/job.ts';
import { createJobLogs, type JobLogs } from './job-logs.ts';
import { createOutput } from './jobs/output.ts';
import { createReleaseCommands } from './jobs/release-commands.ts';
import { createJobRequests, type JobRequests } from './jobs/requests.ts';
import { createJobRunner, type JobRunner } from './jobs/runner.ts';
import { createSchedules, type Schedules } from './jobs/schedules.ts';
import { tendJobs } from './jobs/tending.ts';
import type { Parts } from './parts.ts';

export interface Jobs extends Pick<JobRequests, 'run' | 'cancel'>, Pick<JobStore, 'find' | 'list'> {
  /** Ends jobs of what is taken down; of a service also what runs by the clock. */
  endAll: JobRequests['cancelAll'];
  runner: JobRunner;
  log: JobLogs;
  schedules: Schedules;
  /** What deployments wait for. */
  commands: ReleaseCommands;
  /** Looks after those that were lost or left, until the answered function is called. */
  tend(): () => Promise<void>;
}

export function createJobs(parts: Parts & { nodes: NodeClient }): Jobs {
  const { stores, config, log, dataCentres } = parts;
  const { jobs, releases, appIds, jobLogs, queues } = stores;
  const { exclusively } = stores.locks;
  const requests = createJobRequests({
    ...{ jobs, releases, appIds, exclusively, queue: queues.jobs },
    maxMemory: config.maxMemory,
  });
  const runner = runnerOf(parts);
  const schedules = createSchedules({ ...stores, requests, runner, exclusively, log });
  return {
    run: requests.run,
    cancel: requests.cancel,
    async endAll(where) {
      if ('app' in where) await schedules.forget(where.app);
      await requests.cancelAll(where);
    },
    find: jobs.find,
    list: jobs.list,
    runner,
    log: createJobLogs(jobLogs, jobs),
    schedules,
    commands: createReleaseCommands({ ...stores, requests, exclusively }),
    tend: () =>
      tendJobs({ ...{ jobs, dataCentres, log, queue: queues.jobs }, install: config.install }),
  };
}

function runnerOf({ nodes, stores, config, log, dataCentres }: Parameters<typeof createJobs>[0]) {
  const { jobs, releases, jobLogs } = stores;
  return createJobRunner({
    ...{ dataCentres, jobs, releases, log, exclusively: stores.locks.exclusively },
    install: config.install,
    output: createOutput({ jobs, logs: jobLogs, logFiles: nodes.logFiles, log }),
    factsOf: nodes.witness.factsOf,
    instancesOf: nodes.instancesOf,
  });
}
