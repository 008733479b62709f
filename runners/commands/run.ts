/** `ekiden run`: runs a command once in the image of a release, prints what it prints, and ends as it ends. */
import type { Command } from 'commander';
import { InputError } from '../../src/core/errors.ts';
import type { EkidenApi, JobAnswer, WantedJob } from '../../src/remote.ts';
import { print } from '../print.ts';
import {
  addRemote,
  countOption,
  jsonOption,
  printJson,
  type RemoteOption,
} from '../remote/command.ts';
import { createLogPrinter } from '../remote/log-printer.ts';
import { readLog } from '../remote/log-reading.ts';
import { plain } from '../terminal.ts';

interface Options {
  env: string;
  service?: string;
  release?: number;
  timeout: number;
  cpus?: string;
  mem?: number;
  exec?: true;
  detach?: true;
  json?: true;
}

const options: RemoteOption[] = [
  ['--env <environment>', 'where', 'production'],
  ['--service <name>', 'in the image of this service; default: the only one, or web'],
  countOption('--release <n>', 'of this release; default: the one that became healthy last'),
  countOption('--timeout <seconds>', 'end it after so long', 3_600),
  ['--cpus <n>', 'in place of what the service has'],
  countOption('--mem <mib>', 'in place of what the service has'),
  ['--exec', 'run the words as they are, by the entry point of the image and without a shell'],
  ['--detach', 'do not wait for its end'],
  jsonOption,
];

export function addRun(program: Command): void {
  addRemote<Options>(program, {
    usage: 'run <project> <command...>',
    description: 'run a command once in the image of a release; write -- before it',
    options,
    async run(api, [project = '', ...given], wanted) {
      const words = given.flat();
      const job = await api.requestJob(project, wanted.env, toRequest(words, wanted));
      if (wanted.detach) {
        if (wanted.json) printJson(job);
        else print(`job ${job.id}  is queued  ${job.url}`);
        return 0;
      }
      return follow(api, { project, job, ...wanted });
    },
  });
}

function toRequest(words: string[], options: Options): WantedJob {
  const { service, release, timeout, cpus, mem, exec } = options;
  return {
    command: exec ? words : commandOf(words),
    timeout,
    ...(service === undefined ? {} : { service }),
    ...(release === undefined ? {} : { release }),
    ...(cpus === undefined ? {} : { cpus: numberOf(cpus) }),
    ...(mem === undefined ? {} : { mem }),
  };
}

/** One word is a line for the shell; several stay the words that they are. */
export function commandOf(words: string[]): string {
  const [only = ''] = words;
  return words.length === 1 ? only : words.map(quoted).join(' ');
}

/** As a POSIX shell reads it back. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function numberOf(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InputError(`--cpus takes a number above 0, and ${text} is none.`, {
    code: 'E_USAGE',
    hint: 'Such as 0.5.',
  });
}

interface Followed extends Pick<Options, 'env' | 'json'> {
  project: string;
  job: JobAnswer;
}

/** Answers the exit code of the command, or 1 where it has none. */
async function follow(api: EkidenApi, { project, job, env, json }: Followed): Promise<number> {
  const { signal } = new AbortController();
  const reading = { tail: Number.POSITIVE_INFINITY, follow: true, signal };
  if (!json) await readLog(api.jobLog(project, env, job.id), createLogPrinter(), reading);
  else for await (const _ of api.jobLog(project, env, job.id).follow(0, signal));
  const ended = await api.job(project, env, job.id);
  if (json) printJson(ended);
  else {
    if (ended.isLogIncomplete) process.stderr.write(`${incomplete}\n`);
    if (ended.state !== 'succeeded') process.stderr.write(`${wordsOf(ended)}\n`);
  }
  return ended.state === 'succeeded' ? 0 : ended.exitCode || 1;
}

const incomplete =
  'What it printed is not known, or not all of it: no role node on its host could tell.';

function wordsOf({ id, state, reason }: JobAnswer): string {
  return plain(`job ${id} ${state}${reason === undefined ? '' : `: ${reason}`}`);
}
