/** Tells of builds and deployments in the log of the build as well as in GitLab. */
import type { BuildLogs } from './build/log/build-log.ts';
import { type Note, notesOfBuild, notesOfDeployment } from './build/log/journey.ts';
import type { BuildStore } from './core/build.ts';
import type { DeploymentStore } from './core/deployment.ts';
import { messageOf } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { isOld, type Report } from './gitlab/report.ts';

export interface JournalOptions {
  report: Report;
  builds: Pick<BuildStore, 'find'>;
  deployments: Pick<DeploymentStore, 'find'>;
  logs: Pick<BuildLogs, 'note'>;
  log: Log;
}

/** A report that writes each state down before it goes on; nothing fails for want of a log. */
export function withJournal(options: JournalOptions): Report {
  const { report, builds, deployments, logs, log } = options;

  async function write(build: string, notes: Note[]): Promise<void> {
    try {
      for (const note of notes) await logs.note(build, note);
    } catch (error) {
      log.warn({ build, error: messageOf(error) }, 'the log of a build lacks a line');
    }
  }

  return {
    async build(id, state) {
      const build = await builds.find(id);
      if (build && !isOld(build.state, state)) {
        await write(id, notesOfBuild(build, state, Date.now()));
      }
      await report.build(id, state);
    },
    async deployment(id, state) {
      const deployment = await deployments.find(id);
      if (deployment && !isOld(deployment.state, state)) {
        await write(deployment.build, notesOfDeployment(deployment, state, Date.now()));
      }
      await report.deployment(id, state);
    },
  };
}
