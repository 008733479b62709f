/** What the labels of an app tell of its release, so that its record can be made of them again. */
import { z } from 'zod';
import type { Deployment } from '../../core/deployment.ts';
import type { DeploySpec, ServiceSpec } from '../../core/manifest.ts';
import type { Release } from '../../core/release.ts';
import { serviceAppOf } from '../../core/traffic.ts';

/** What a release has besides what its deployment says. */
export interface Made {
  install: string;
  /** Number of the release. */
  release: number;
  createdAt: number;
  /** Names of the variables that GitLab gave, and of those among them that are secret. */
  variables: string[];
  secrets: string[];
}

/**
 * Labels of an app. Marathon restarts an app when one of them changes, so all are of the release alone;
 * what changes without a restart, weights and counts, is none. No label holds the value of a variable.
 */
export function toLabels(deployment: Deployment, made: Made): Record<string, string> {
  const { service, by, request, fragments } = deployment;
  const { env: _, ...spec } = service;
  return {
    'ekiden.install': made.install,
    'ekiden.project': String(deployment.project),
    'ekiden.path': deployment.projectPath,
    'ekiden.environment': deployment.environment,
    'ekiden.service': service.name,
    'ekiden.services': String(deployment.serviceCount),
    'ekiden.release': String(made.release),
    'ekiden.commit': deployment.sha,
    'ekiden.ref': deployment.ref,
    'ekiden.build': deployment.build,
    'ekiden.created': new Date(made.createdAt).toISOString(),
    ...(request === undefined ? {} : { 'ekiden.request': request }),
    ...(by === undefined ? {} : { 'ekiden.author': by }),
    ...listed('ekiden.variables', made.variables),
    ...listed('ekiden.secrets', made.secrets),
    ...(fragments.length === 0 ? {} : { 'ekiden.fragments': textOf(fragments) }),
    'ekiden.spec': JSON.stringify(spec),
    'ekiden.deploy': JSON.stringify(deployment.deploy),
  };
}

/** File and hash in turns, since apps are read often. */
function textOf(fragments: Release['fragments']): string {
  return JSON.stringify(fragments.map(({ file, sha256 }) => [file, sha256]));
}

/** No name of a variable holds a comma. */
function listed(label: string, names: string[]): Record<string, string> {
  return names.length === 0 ? {} : { [label]: names.join(',') };
}

function listOf(text: string | undefined): string[] {
  return text ? text.split(',') : [];
}

/** A label that holds JSON of that shape. */
function json<T extends z.ZodType>(shape: T) {
  const parsed = z.string().transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is no JSON' });
      return z.NEVER;
    }
  });
  return parsed.pipe(shape);
}

/** What Ekiden wrote is its own; the fields that everything else rests on tell that it is that. */
const specSchema = z.looseObject({
  name: z.string(),
  cpus: z.number(),
  mem: z.number(),
  instances: z.number(),
  logs: z.string(),
  routes: z.array(z.string()),
});
const deploySchema = z.looseObject({ strategy: z.looseObject({ kind: z.string() }) });

const labelsSchema = z.object({
  'ekiden.project': z.coerce.number().int(),
  'ekiden.path': z.string(),
  'ekiden.environment': z.string(),
  'ekiden.service': z.string(),
  'ekiden.services': z.coerce.number().int(),
  'ekiden.release': z.coerce.number().int().positive(),
  'ekiden.commit': z.string(),
  'ekiden.ref': z.string(),
  'ekiden.build': z.string(),
  'ekiden.created': z.iso.datetime(),
  'ekiden.request': z.string().optional(),
  'ekiden.author': z.string().optional(),
  'ekiden.variables': z.string().optional(),
  'ekiden.secrets': z.string().optional(),
  'ekiden.fragments': json(z.array(z.tuple([z.string(), z.string()]))).default([]),
  'ekiden.spec': json(specSchema),
  'ekiden.deploy': json(deploySchema),
});

const definitionSchema = z.looseObject({
  id: z.string(),
  env: z.record(z.string(), z.unknown()).optional(),
  labels: labelsSchema,
  container: z.looseObject({ docker: z.looseObject({ image: z.string() }) }),
});

/** The record of the release whose app this definition is; undefined for one that its labels do not tell. */
export function toRelease(definition: Record<string, unknown>): Release | undefined {
  const parsed = definitionSchema.safeParse(definition);
  if (!parsed.success) return undefined;
  const { id, env = {}, labels, container } = parsed.data;
  const variables = listOf(labels['ekiden.variables']);
  const own = ownVariables(env, variables, labels['ekiden.spec'].logs);
  const { 'ekiden.request': request, 'ekiden.author': author } = labels;
  return {
    app: serviceAppOf(id),
    number: labels['ekiden.release'],
    project: labels['ekiden.project'],
    projectPath: labels['ekiden.path'],
    environment: labels['ekiden.environment'],
    service: labels['ekiden.service'],
    serviceCount: labels['ekiden.services'],
    ref: labels['ekiden.ref'],
    sha: labels['ekiden.commit'],
    build: labels['ekiden.build'],
    ...(request === undefined ? {} : { request }),
    ...(author === undefined ? {} : { author }),
    spec: { ...labels['ekiden.spec'], env: own } as unknown as ServiceSpec,
    deploy: labels['ekiden.deploy'] as unknown as DeploySpec,
    image: container.docker.image,
    definition: { ...definition, id: serviceAppOf(id) },
    variables,
    secrets: listOf(labels['ekiden.secrets']),
    fragments: labels['ekiden.fragments'].map(([file, sha256]) => ({ file, sha256 })),
    createdAt: Date.parse(labels['ekiden.created']),
  };
}

/** What the manifest itself says; every app is told where its log files go. */
function ownVariables(env: Record<string, unknown>, given: string[], logs: string) {
  const own = Object.entries(env).filter(
    ([name, value]) => !given.includes(name) && !(name === 'LOG_DIR' && value === logs),
  );
  return Object.fromEntries(own);
}
