/** Finds the value of each setting: in the environment, in the file, or the default; names every problem. */
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { ConfigFile } from './config-file.ts';

/** One declared setting. */
export interface Setting<T extends z.ZodType = z.ZodType> {
  env: string;
  /** Reads the text, and undefined for the default; of some settings also a list or a map. */
  type: T;
  help: string;
  secret?: true;
  /** How a value is shown that holds secrets in some of its parts. */
  shown?: (value: unknown) => string;
}

/** A setting by its environment variable, type with default, and help. */
export function setting<T extends z.ZodType>(env: string, type: T, help: string): Setting<T> {
  return { env, type, help };
}

/** The same for a value that is never shown. */
export function secret<T extends z.ZodType>(
  env: string,
  type: T,
  help: string,
): Setting<T> & { secret: true } {
  return { env, type, help, secret: true };
}

export type Environment = Record<string, string | undefined>;

export interface Sources {
  environment: Environment;
  file: ConfigFile | undefined;
}

/** A value and where it comes from. */
export interface Found {
  /** As it is given, unread; undefined for the default. */
  given: unknown;
  /** `default`, `environment`, or a place in the file such as `ekiden.config.yaml:3`. */
  source: string;
  /** As it is used; undefined when there is a problem. */
  value?: unknown;
  /** One sentence that begins with the place, and never holds the value of a secret. */
  problem?: string;
}

/** The environment wins over the file; an empty variable is none, as in files for containers. */
export function findValue(name: string, { env, type, help }: Setting, sources: Sources): Found {
  const found = locate(name, env, sources);
  const parsed = type.safeParse(found.given);
  if (parsed.success) return { ...found, value: parsed.data };
  const { given, source } = found;
  if (given === undefined) return { ...found, problem: `${env}: is not set. ${help}` };
  const isOne = typeof given === 'string';
  const [issue] = parsed.error.issues;
  const mistyped = issue?.code === 'invalid_type' && issue.path.length === 0 && !isOne;
  const what = mistyped ? 'is to be one value, and no list or map' : (issue?.message ?? 'is wrong');
  const place = source === 'environment' ? `${env}:` : `${source}: ${name}`;
  return { ...found, problem: `${place} ${what}. ${help}` };
}

function locate(name: string, env: string, { environment, file }: Sources) {
  const text = environment[env];
  if (text !== undefined && text !== '') return { given: text, source: 'environment' };
  const entry = file?.entries.get(name);
  const isGiven = entry?.value !== undefined && entry.value !== null && entry.value !== '';
  return isGiven
    ? { given: entry.value, source: entry.place }
    : { given: undefined, source: 'default' };
}

/** Belong to the command line and to the tests, and are no settings. */
const otherVariables = /^EKIDEN_(TOKEN$|CONFIG$|TEST_)/;

/** What Kubernetes and Docker links put into containers beside a service called ekiden or ekiden-…. */
const injected = /^EKIDEN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+)?_(TCP|UDP)(_\w+)?)$/;
const injectedPort = /^EKIDEN_(\w+_)?PORT$/;

function isForeign(name: string, value = ''): boolean {
  if (otherVariables.test(name) || injected.test(name)) return true;
  return injectedPort.test(name) && /^(tcp|udp):\/\//.test(value);
}

/** Variables and keys that are no settings, each with the nearest that is one. */
export function findUnknown(all: Record<string, Setting>, { environment, file }: Sources) {
  const variables = new Set(Object.values(all).map(({ env }) => env));
  const strangers = Object.keys(environment).filter(
    (name) =>
      name.startsWith('EKIDEN_') && !variables.has(name) && !isForeign(name, environment[name]),
  );
  const nearest = (text: string) => nearestSetting(text, all);
  const inFile = [...(file?.entries ?? [])].filter(([name]) => !Object.hasOwn(all, name));
  return [
    ...strangers.map((name) => `${name}: is no setting; the nearest is ${nearest(name).env}.`),
    ...inFile.map(
      ([name, { place }]) =>
        `${place}: ${name} is no setting; the nearest is ${nearest(name).name}.`,
    ),
  ];
}

/** Whoever writes the variable into the file, or the key into the environment, is understood. */
function nearestSetting(text: string, all: Record<string, Setting>): { name: string; env: string } {
  const plain = (word: string) => word.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(text);
  const ranked = Object.entries(all)
    .map(([name, { env }]) => {
      const forms = [name, env, env.replace(/^[A-Z]+_/, '')].map(plain);
      return { name, env, far: Math.min(...forms.map((form) => distance(form, wanted))) };
    })
    .sort((a, b) => a.far - b.far);
  return ranked[0] ?? { name: '', env: '' };
}
