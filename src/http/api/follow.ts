/** What a WebSocket follows: the log of a build or of a job, or a log file of an instance. */
import { match } from 'path-to-regexp';
import { z } from 'zod';
import type { Caller } from '../../core/access.ts';
import { InputError } from '../../core/errors.ts';
import type { Follow, LogFrame } from '../../core/log-file.ts';
import type { Ekiden } from '../../ekiden.ts';
import { findBuild, readBuildLog } from './builds.ts';
import { findJob, jobParams, readJobLog } from './jobs.ts';
import { ensureInstance, fileParams, readFile } from './log-files.ts';
import { missing, recordParams } from './names.ts';
import { projectOf, toExpress } from './router.ts';

export interface Followed {
  project: number;
  frames: (signal: AbortSignal) => AsyncIterable<LogFrame>;
}

interface Wanted {
  /** Below the base, such as `/api/v1/projects/…`. */
  path: string;
  query: URLSearchParams;
  caller: Caller;
}

const sockets = [
  { matches: matcher(readBuildLog.path), open: followBuild },
  { matches: matcher(readFile.path), open: followFile },
  { matches: matcher(readJobLog.path), open: followJob },
];

/** Finds what the path names and checks the right to look. @throws EkidenError */
export async function followOf(ekiden: Ekiden, wanted: Wanted): Promise<Followed> {
  for (const { matches, open } of sockets) {
    const found = matched(matches, wanted.path);
    if (found) return open(ekiden, wanted, toNames(found.params));
  }
  throw missing('socket');
}

function matcher(path: string) {
  return match(`/api/v1${toExpress(path)}`);
}

/** @throws InputError for a path that cannot be decoded */
function matched(matches: ReturnType<typeof matcher>, path: string) {
  try {
    return matches(path);
  } catch (cause) {
    throw new InputError('The address is no valid URL.', {
      code: 'E_ADDRESS',
      cause,
      hint: 'Write each part of it as encodeURIComponent does: group%2Fname.',
    });
  }
}

function toNames(params: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, [value].flat().join('/')]),
  );
}

async function followBuild(ekiden: Ekiden, wanted: Wanted, names: Record<string, string>) {
  const params = parse(recordParams, names);
  const project = await enter(ekiden, wanted, params.project);
  const { id } = await findBuild(ekiden, project, params.id);
  const { from } = parse(followQuery, Object.fromEntries(wanted.query));
  return {
    project,
    frames: (signal: AbortSignal) => ekiden.buildLogReader.follow(id, { from, signal }),
  };
}

async function followJob(ekiden: Ekiden, wanted: Wanted, names: Record<string, string>) {
  const params = parse(jobParams, names);
  const project = await enter(ekiden, wanted, params.project);
  const { id } = await findJob(ekiden, project, params);
  const { from } = parse(followQuery, Object.fromEntries(wanted.query));
  return {
    project,
    frames: (signal: AbortSignal) => ekiden.jobs.log.follow(id, { from, signal }),
  };
}

async function followFile(ekiden: Ekiden, wanted: Wanted, names: Record<string, string>) {
  const params = parse(fileParams, names);
  const project = await enter(ekiden, wanted, params.project);
  await ensureInstance(ekiden, { project, params });
  const { from, identity } = parse(followQuery, Object.fromEntries(wanted.query));
  const follow = (signal: AbortSignal): Follow =>
    identity === undefined ? { from, signal } : { from, identity, signal };
  return {
    project,
    frames: (signal: AbortSignal) =>
      ekiden.logFiles.follow(params.instance, params.path, follow(signal)),
  };
}

const followQuery = z.object({
  from: z.coerce.number().int().default(0),
  identity: z.string().max(200).optional(),
});

async function enter(ekiden: Ekiden, { caller }: Wanted, idOrPath: string): Promise<number> {
  const project = await projectOf(ekiden, idOrPath);
  await ekiden.access.authorize(caller, project, { ability: 'look' });
  return project;
}

function parse<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new InputError(`Wrong in the address: ${z.prettifyError(parsed.error)}`, {
    code: 'E_INPUT',
    status: 422,
    hint: 'docs/api.md tells what is expected.',
  });
}
