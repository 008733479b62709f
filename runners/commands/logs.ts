/** `ekiden logs`: what a build said, or what the instances of a service print and write. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { EkidenError, InputError, NotFoundError } from '../../src/core/errors.ts';
import { shortId } from '../../src/core/instance.ts';
import type { EkidenApi, InstanceAnswer, ServicePlace } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson, wholeNumber } from '../remote/command.ts';
import { instanceWithPart } from '../remote/instance-name.ts';
import { createLogPrinter } from '../remote/log-printer.ts';
import { type Reading, readLog } from '../remote/log-reading.ts';
import { servicePlace } from '../remote/service-name.ts';
import { plain } from '../terminal.ts';

interface Options {
  build?: string | true;
  env: string;
  service?: string;
  file: string;
  files?: true;
  instance?: string;
  follow?: boolean;
  tail?: number;
  json?: true;
}

export function addLogs(program: Command): void {
  addRemote<Options>(program, {
    usage: 'logs <project>',
    description: 'show the log of a build, or a log file of the instances of a service',
    options: [
      ['--build [id]', 'of this build; without an id, of the last one'],
      ['--env <environment>', 'of instances in this environment', 'production'],
      ['--service <name>', 'of this service; default: the only one, or web'],
      ['--instance <id>', 'of this instance alone; a part of the id is enough'],
      ['--file <path>', 'which file of the instances', 'stdout'],
      ['--files', 'list the files of the instances'],
      ['-f, --follow', 'go on with what comes'],
      [
        '--tail <n>',
        'begin so many lines before the end, or with all; default: 100, of a build all',
        undefined,
        linesOf,
      ],
      jsonOption,
    ],
    async run(api, [project = ''], options) {
      const { build } = options;
      if (options.json && !options.files) throw noJson();
      if (build !== undefined) return buildLog(api, project, options);
      const place = await servicePlace(api, project, options);
      if (options.files) return listFiles(api, place, options);
      return instanceLogs(api, place, options);
    },
  });
}

function noJson(): InputError {
  return new InputError('A log is text, and no JSON.', {
    code: 'E_USAGE',
    hint: 'Leave out --json, or list the files with --files --json.',
  });
}

function linesOf(text: string): number {
  return text === 'all' ? Number.POSITIVE_INFINITY : wholeNumber(text, '--tail');
}

function readingOf(
  { tail = Number.POSITIVE_INFINITY, follow = false }: Pick<Options, 'tail' | 'follow'>,
  signal: AbortSignal,
): Reading {
  return { tail, follow, signal };
}

async function buildLog(api: EkidenApi, project: string, options: Options): Promise<number> {
  const { signal } = new AbortController();
  const id = typeof options.build === 'string' ? options.build : await lastBuild(api, project);
  const reading = readingOf(options, signal);
  if (await readLog(api.buildLog(project, id), createLogPrinter(), reading)) return 0;
  throw new NotFoundError(`Build ${id} has said nothing yet.`, {
    code: 'E_NO_LOG',
    hint: 'Say --follow to wait for it.',
  });
}

async function lastBuild(api: EkidenApi, project: string): Promise<string> {
  const [last] = (await api.builds(project, 1)).items;
  if (last) return last.id;
  throw new NotFoundError('Nothing was built yet.', { code: 'E_NO_BUILD', hint: 'Push.' });
}

/** The instances that are meant; one that has ended is known by its whole id alone. */
async function instancesOf(api: EkidenApi, place: ServicePlace, part: string | undefined) {
  const { items } = await api.instances(place);
  const oldestFirst = items.reverse();
  if (part === undefined) return oldestFirst;
  return [instanceWithPart(oldestFirst, part) ?? { id: part, state: 'ended' }];
}

async function listFiles(api: EkidenApi, place: ServicePlace, options: Options): Promise<number> {
  const instances = await instancesOf(api, place, options.instance);
  const all = await Promise.all(
    instances.map(async ({ id }) => ({ instance: id, ...(await api.files(place, id)) })),
  );
  if (options.json) printJson(all);
  else
    for (const { instance, items } of all) {
      print(instance);
      for (const { path, size } of items) print(`  ${plain(path)}  ${size} bytes`);
    }
  return 0;
}

/** Lines before the end where nothing is said. */
const usualTail = 100;

async function instanceLogs(
  api: EkidenApi,
  place: ServicePlace,
  options: Options,
): Promise<number> {
  const { signal } = new AbortController();
  const reading = readingOf({ tail: usualTail, ...options }, signal);
  const first = await instancesOf(api, place, options.instance);
  if (first.length === 0 && !reading.follow) {
    print(`No instance of ${place.service} is known in ${place.environment}.`);
    return 0;
  }
  const read = createReader(api, place, { ...options, reading });
  if (!reading.follow) for (const instance of first) await read(instance, first.length > 1);
  else if (options.instance !== undefined)
    await Promise.all(first.map((each) => read(each, false)));
  else await followAll(api, place, first, read);
  return 0;
}

type Read = (instance: InstanceAnswer, isNamed: boolean, fromStart?: boolean) => Promise<void>;

function createReader(
  api: EkidenApi,
  place: ServicePlace,
  { file, reading }: { file: string; reading: Reading },
): Read {
  let count = 0;
  return async ({ id }, isNamed, fromStart = false) => {
    const printer = createLogPrinter(isNamed ? shortId(id) : undefined, count++);
    const absent = `${shortId(id)} has no file ${file}`;
    const isThere = await readLog(api.file(place, id, file), printer, {
      ...reading,
      ...(fromStart ? { tail: Number.POSITIVE_INFINITY } : {}),
      onAbsent: () => process.stderr.write(`${absent} yet; it is waited for.\n`),
    });
    if (!isThere) process.stderr.write(`${absent}.\n`);
  };
}

/** Milliseconds between looks for instances that have come since. */
const lookEvery = 3_000;

/**
 * Goes on until it is stopped: instances come and go while a service is deployed. @throws EkidenError
 * once the service is gone, or may no longer be looked at
 */
async function followAll(
  api: EkidenApi,
  place: ServicePlace,
  first: InstanceAnswer[],
  read: Read,
): Promise<void> {
  const known = new Set<string>();
  const failed = new AbortController();
  const follow = (instance: InstanceAnswer, fromStart: boolean) => {
    if (known.has(instance.id)) return;
    known.add(instance.id);
    read(instance, true, fromStart).catch((error: unknown) => failed.abort(error));
  };
  for (const instance of first) follow(instance, false);
  for (;;) {
    await delay(lookEvery, undefined, { signal: failed.signal }).catch(() => undefined);
    failed.signal.throwIfAborted();
    const { items } = await api.instances(place).catch(laterPerhaps);
    for (const instance of items) follow(instance, true);
  }
}

/** A `catch` for an Ekiden that does not answer now. */
function laterPerhaps(error: unknown): { items: InstanceAnswer[] } {
  if (error instanceof EkidenError && error.retryable) return { items: [] };
  throw error;
}
