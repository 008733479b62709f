/** Reads the manifest of a repository, and says where and how it is wrong. */
import type { z } from 'zod';
import type { EnvironmentRule, Manifest } from '../core/manifest.ts';
import { type ManifestInput, manifestSchema } from './manifest-schema.ts';
import { manifestError, readManifestText } from './manifest-text.ts';

export { manifestFile } from './manifest-text.ts';

/** The most that an administrator lets one service ask for. */
export interface ManifestLimits {
  instances: number;
  /** MiB of each instance. */
  memory: number;
  /** Names of all data centres; absent: any name will do. */
  dataCentres?: readonly string[];
}

/**
 * Parses `.ekiden.yml`; no file and an empty file mean the defaults.
 * @throws InputError with file, line and what is allowed there.
 */
export function parseManifest(
  bytes: Buffer = Buffer.alloc(0),
  limits: ManifestLimits = { instances: Infinity, memory: Infinity },
): Manifest {
  const { data, lineOf } = readManifestText(bytes);
  const parsed = manifestSchema.safeParse(data ?? {});
  if (parsed.success) {
    const manifest = toManifest(parsed.data);
    for (const { path, text } of [...strangersOf(manifest), ...excessesOf(manifest, limits)]) {
      throw manifestError(lineOf(path), text);
    }
    return manifest;
  }
  const issue = deepest(parsed.error.issues);
  throw manifestError(lineOf(issue.path), explain(issue));
}

/** Where jobs name services and environments that the manifest does not have. */
function strangersOf({ services, environments, jobs }: Manifest) {
  const known = {
    service: services.map(({ name }) => name),
    environments: environments?.map(({ name }) => name) ?? ['production'],
  };
  return jobs.flatMap((job) =>
    [
      { key: 'service' as const, names: [job.service] },
      { key: 'environments' as const, names: job.environments ?? [] },
    ].flatMap(({ key, names }) =>
      names
        .filter((name) => !known[key].includes(name))
        .map((name) => ({
          path: ['jobs', job.name, key],
          text: `jobs.${job.name}.${key}: there is no ${key.replace(/s$/, '')} ${name}; there are ${known[key].join(', ')}`,
        })),
    ),
  );
}

/** Services that ask for more than an administrator allows, in the order of the file; then jobs. */
function excessesOf({ services, jobs }: Manifest, limits: ManifestLimits) {
  const ofServices = services.flatMap(({ name, instances, mem }) =>
    [
      { key: 'instances', asked: instances, most: limits.instances, of: 'EKIDEN_MAX_INSTANCES' },
      { key: 'mem', asked: mem, most: limits.memory, of: 'EKIDEN_MAX_MEMORY' },
    ]
      .filter(({ asked, most }) => asked > most)
      .map(({ key, asked, most, of }) => ({
        path: ['services', name, key],
        text: `services.${name}.${key}: ${asked} is above ${most}, the most that ${of} allows here`,
      })),
  );
  const ofJobs = jobs
    .filter(({ mem = 0 }) => mem > limits.memory)
    .map(({ name, mem }) => ({
      path: ['jobs', name, 'mem'],
      text: `jobs.${name}.mem: ${mem} is above ${limits.memory}, the most that EKIDEN_MAX_MEMORY allows here`,
    }));
  return [...ofServices, ...ofJobs, ...unknownPlaces(services, limits.dataCentres)];
}

/** Only those of the settings can take instances. */
function unknownPlaces(services: Manifest['services'], known: readonly string[] | undefined) {
  return services.flatMap(({ name, dataCentres = [] }) => {
    const stranger = dataCentres.find((each) => known && !known.includes(each));
    if (stranger === undefined) return [];
    const path = ['services', name, 'dataCentres'];
    const text = `${path.join('.')}: there is no data centre ${stranger}; there are ${known?.join(', ')}`;
    return [{ path, text }];
  });
}

function toManifest(input: ManifestInput): Manifest {
  const { target, ...build } = input.build;
  return {
    build: { ...build, ...(target === undefined ? {} : { target }) },
    ...(input.environments === undefined
      ? {}
      : { environments: Object.entries(input.environments).map(toRule) }),
    services: Object.entries(input.services).map(([name, service]) =>
      withoutUndefined({ name, ...service }),
    ),
    deploy: withoutUndefined(input.deploy),
    jobs: Object.entries(input.jobs).map(([name, job]) => withoutUndefined({ name, ...job })),
  } as Manifest;
}

function toRule([name, rule]: [string, string[] | Omit<EnvironmentRule, 'name'>]): EnvironmentRule {
  return Array.isArray(rule) ? { name, branches: rule, tags: [] } : { name, ...rule };
}

type Issue = z.core.$ZodIssue;

/** Of a union that nothing fits, the issue that lies deepest tells most. */
function deepest(issues: Issue[]): Issue {
  const flat = issues.flatMap((issue): Issue[] => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
    const inner = deepest(issue.errors.flat());
    const path = [...issue.path, ...inner.path];
    // What another choice would need tells nothing about a misspelt key.
    const tells = inner.path.length > 0 && !isMissing(inner);
    return tells ? [{ ...inner, path } as Issue] : [issue];
  });
  return flat.reduce((best, issue) => (issue.path.length > best.path.length ? issue : best));
}

function explain(issue: Issue): string {
  const where = issue.path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedKeys(issue.path);
    const known = allowed.length > 0 ? `; allowed are ${allowed.join(', ')}` : '';
    return `${where} has the unknown key ${issue.keys.join(', ')}${known}`;
  }
  if (isMissing(issue)) return `${where} is missing`;
  if (issue.code === 'invalid_union') return `${where} ${unionText(issue)}`;
  return `${where}: ${issue.message}`;
}

/** True where nothing was written at all, whatever might have been. */
function isMissing(issue: Issue): boolean {
  const choices = issue.code === 'invalid_union' ? issue.errors.flat() : [];
  if (choices.length > 0) return choices.every(isMissing);
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
}

/** What the schema says of the whole goes before what each of its choices says. */
function unionText(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if (issue.message !== 'Invalid input') return issue.message;
  const choices = issue.errors.flat().map((inner) => inner.message);
  return `fits none of what is allowed (${[...new Set(choices)].join('; ')})`;
}

/** Keys that the schema knows at a path, read from its JSON Schema. */
function allowedKeys(path: PropertyKey[]): string[] {
  let node: SchemaNode | undefined = manifestSchema.toJSONSchema({ io: 'input' }) as SchemaNode;
  for (const part of path) {
    const within: SchemaNode[] = [node, ...(node?.anyOf ?? [])].filter(
      (each) => each !== undefined,
    );
    node = within
      .map((each) => each.properties?.[String(part)] ?? objectOf(each.additionalProperties))
      .find((each) => each !== undefined);
  }
  const object = [node, ...(node?.anyOf ?? [])].find((each) => each?.properties);
  return Object.keys(object?.properties ?? {});
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  anyOf?: SchemaNode[];
}

function objectOf(node: SchemaNode | boolean | undefined): SchemaNode | undefined {
  return typeof node === 'object' ? node : undefined;
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, part]) => [
        key,
        part !== null && typeof part === 'object' && !Array.isArray(part)
          ? withoutUndefined(part)
          : part,
      ])
      .filter(([, part]) => part !== undefined),
  ) as T;
}
