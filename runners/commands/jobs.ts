/** `ekiden jobs`: the last jobs of an environment, the log of one, or the end of one. */
import type { Command } from 'commander';
import { NotFoundError } from '../../src/core/errors.ts';
import type { EkidenApi, JobAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { createLogPrinter } from '../remote/log-printer.ts';
import { readLog } from '../remote/log-reading.ts';
import { agoOf, coloured, colours, plain, spanOf } from '../terminal.ts';

interface Options {
  env: string;
  log?: string;
  cancel?: string;
  limit: number;
  json?: true;
}

/** The API gives so many at once. */
const most = 100;

export function addJobs(program: Command): void {
  addRemote<Options>(program, {
    usage: 'jobs <project>',
    description: 'list the last jobs of an environment, newest first; or the log of one',
    options: [
      ['--env <environment>', 'where', 'production'],
      ['--log <id>', 'what this job printed'],
      ['--cancel <id>', 'end this job'],
      countOption('--limit <n>', `how many, at most ${most}`, 20),
      jsonOption,
    ],
    async run(api, [project = ''], { env, log, cancel, limit, json }) {
      if (log !== undefined) return printLog(api, { project, env, id: log });
      if (cancel !== undefined) {
        const job = await api.cancelJob(project, env, cancel);
        if (json) printJson(job);
        else print(`job ${job.id}  ${plain(job.reason ?? job.state)}`);
        return 0;
      }
      const page = await api.jobs(project, env, Math.min(most, limit));
      if (json) printJson(page);
      else print(page.items.length > 0 ? alignColumns(rowsOf(page.items)) : 'No job has run.');
      return 0;
    },
  });
}

async function printLog(api: EkidenApi, job: { project: string; env: string; id: string }) {
  const { signal } = new AbortController();
  const reading = { tail: Number.POSITIVE_INFINITY, follow: false, signal };
  const log = api.jobLog(job.project, job.env, job.id);
  if (await readLog(log, createLogPrinter(), reading)) return 0;
  throw new NotFoundError(`Job ${job.id} has printed nothing yet.`, {
    code: 'E_NO_LOG',
    hint: 'ekiden jobs tells how it is.',
  });
}

const heads = ['JOB', 'STATE', 'COMMAND', 'SERVICE', 'BY', 'WHEN', 'TOOK', 'REASON'];

/** With the heads of the columns. */
function rowsOf(jobs: JobAnswer[]): string[][] {
  return [heads.map((head) => colours.dim(head)), ...jobs.map(rowOf)];
}

/** Characters of a command that are shown. */
const shown = 40;

function rowOf(job: JobAnswer): string[] {
  const { id, state, name, command, service, by, createdAt, startedAt, endedAt, reason } = job;
  const said = name ?? plain([command].flat().join(' '));
  const isOver = startedAt !== undefined && endedAt !== undefined;
  return [
    ...[id, coloured(state), said.length > shown ? `${said.slice(0, shown - 1)}…` : said],
    ...[service, plain(by), agoOf(createdAt)],
    isOver ? spanOf(Date.parse(endedAt) - Date.parse(startedAt)) : '',
    plain(reason ?? ''),
  ];
}
