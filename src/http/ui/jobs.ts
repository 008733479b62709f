/** The page of a job: how it is, and what it printed. */
import { Router } from 'express';
import type { Caller } from '../../core/access.ts';
import { isPending, type Job } from '../../core/job.ts';
import { showSpan } from '../../core/span.ts';
import type { Ekiden } from '../../ekiden.ts';
import { viewOfJob } from '../api/jobs.ts';
import { missing } from '../api/names.ts';
import type { Pages } from './page.ts';
import { levelAt, show } from './records.ts';
import { abilitiesOf, showTime } from './views.ts';

export function createJobPages({ ekiden, templates, enter }: Pages): Router {
  const router = Router();
  router.get('/jobs/:id', async (request, response) => {
    const caller = await enter.caller(request, response);
    if (!caller) return;
    const job = await ekiden.jobs.find(request.params.id);
    const level = await levelAt(ekiden, caller, job?.project, 'job');
    if (!job) throw missing('job');
    await show(request, response, {
      json: async () => viewOfJob(job, ekiden.config.url),
      html: async () =>
        templates.render('job', { caller, ...(await pageOfJob(ekiden, job, { caller, level })) }),
    });
  });
  return router;
}

/** A job as a row of a list. */
export function showJob(job: Job) {
  const { id, kind, name = '', state, environment, service, by, createdAt } = job;
  const command = [job.command].flat().join(' ');
  return {
    ...{ id, kind, state, environment, service, by, command },
    what: name || command,
    reason: viewOfJob(job, 'http://ekiden').reason ?? '',
    created: showTime(createdAt),
    took: tookOf(job),
  };
}

function tookOf({ startedAt, endedAt }: Job): string {
  if (startedAt === undefined || endedAt === undefined) return '';
  return showSpan(endedAt - startedAt);
}

async function pageOfJob(
  { projects }: Pick<Ekiden, 'projects'>,
  job: Job,
  { caller, level }: { caller: Caller; level: number },
) {
  const { id, project, environment, release, timeout, deployment = '', exitCode } = job;
  const { instance = '', dataCentre = '', name = '', isLogIncomplete = false } = job;
  const api = `/api/v1/projects/${project}/environments/${encodeURIComponent(environment)}/jobs/${id}`;
  return {
    ...showJob(job),
    ...{ name, release, deployment, instance, dataCentre, api, isLogIncomplete },
    projectPath: (await projects.find(String(project)))?.path ?? '',
    timeout: showSpan(timeout * 1_000),
    exitCode: exitCode === undefined ? '' : String(exitCode),
    isActive: isPending(job),
    mayCancel: isPending(job) && abilitiesOf(caller, level, environment).deploy,
    log: `${api}/log`,
  };
}
