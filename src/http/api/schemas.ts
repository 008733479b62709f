/** The shapes of the API's answers; OpenAPI and the checks of the tests come from here. */
import { z } from 'zod';
import { legNames } from '../../core/timeline.ts';

/** Milliseconds inside, RFC 3339 outside. */
export const time = z
  .number()
  .transform((milliseconds) => new Date(milliseconds).toISOString())
  .pipe(z.iso.datetime());

export const sha = z.string().meta({ description: 'Full name of a commit.' });

export const leg = z
  .object({ name: z.enum(legNames), start: time, end: time.optional() })
  .meta({ id: 'Leg', description: 'A leg of the journey; without an end it is under way.' });

export const buildState = z
  .enum(['queued', 'running', 'succeeded', 'failed', 'skipped', 'superseded', 'canceled'])
  .meta({ id: 'BuildState' });

export const deploymentState = z
  .enum(['held', 'queued', 'running', 'succeeded', 'failed', 'superseded'])
  .meta({ id: 'DeploymentState' });

export const fragment = z
  .object({
    source: z.string().optional().meta({ description: 'As INCLUDE names it.' }),
    file: z.string().meta({ description: 'What that came to, such as template:node@20.1.0.' }),
    sha256: z.string(),
    template: z.object({ name: z.string(), version: z.string() }).optional(),
    project: z
      .object({
        id: z.number(),
        path: z.string(),
        ref: z.string().optional(),
        sha,
        file: z.string(),
      })
      .optional()
      .meta({ description: 'Where it lies in another project.' }),
  })
  .meta({ id: 'Fragment', description: 'What INCLUDE spliced into the Dockerfile.' });

const origin = z.object({ file: z.string(), line: z.number() });

export const diagnostic = z
  .object({
    severity: z.enum(['error', 'warning', 'note']),
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    file: z.string().meta({ description: 'Path, template:name@version or project:…@sha:path.' }),
    line: z.number(),
    column: z.number().meta({ description: 'From 1, in characters.' }),
    width: z.number().meta({ description: 'Number of characters from there on.' }),
    chain: z
      .array(origin)
      .meta({ description: 'The INCLUDE lines that led to the file, outermost first.' }),
    excerpt: z.array(z.object({ line: z.number(), text: z.string() })),
  })
  .meta({ id: 'Diagnostic', description: 'What is wrong or odd in a Dockerfile, and where.' });

const waiting = z
  .object({
    position: z.number().optional().meta({ description: 'In line, from 1.' }),
    expectedSeconds: z
      .number()
      .optional()
      .meta({ description: 'Until it begins, as recent builds went.' }),
    priority: z.number().meta({ description: 'Smaller goes first.' }),
    why: z.string().meta({ description: 'What it waits for, as people read it.' }),
  })
  .meta({ id: 'Waiting', description: 'Where a queued build stands.' });

export const step = z
  .object({
    title: z.string().meta({ description: 'The instruction.' }),
    origin: z.string().optional().meta({ description: 'Where it was written: Dockerfile:12.' }),
    state: z.enum(['running', 'hit', 'miss', 'failed', 'canceled']).meta({
      description: 'hit: taken from the cache; miss: run anew.',
    }),
    start: time,
    end: time.optional(),
    why: z.string().optional().meta({ description: 'Why it was not taken from the cache.' }),
  })
  .meta({ id: 'Step', description: 'A step of the Dockerfile.' });

export const build = z
  .object({
    id: z.string(),
    project: z.number(),
    ref: z.string().meta({ description: 'Full ref, such as refs/heads/main.' }),
    sha,
    state: buildState,
    reason: z.string().optional(),
    cause: z.enum(['hook', 'reconcile', 'request']),
    by: z.string().optional().meta({ description: 'Who pushed, or asked for it.' }),
    twin: z.string().optional().meta({ description: 'Build of the same commit in its place.' }),
    retryOf: z.string().optional().meta({ description: 'Build that it does again.' }),
    noCache: z.boolean().optional().meta({ description: 'True: nothing made before is used.' }),
    waiting: waiting.optional(),
    environments: z.array(z.string()),
    image: z.string().optional().meta({ description: 'By digest.' }),
    fragments: z.array(fragment),
    warnings: z.array(z.string()),
    steps: z.array(step).meta({ description: 'At most 500, in the order in which they began.' }),
    deployments: z.array(z.string()),
    legs: z.array(leg),
    createdAt: time,
    url: z.url(),
  })
  .meta({ id: 'Build' });

export const deployment = z
  .object({
    id: z.string(),
    build: z.string(),
    project: z.number(),
    environment: z.string(),
    service: z.string(),
    kind: z.enum(['push', 'redeploy', 'rollback']),
    by: z.string().optional(),
    ref: z.string(),
    sha,
    state: deploymentState,
    reason: z.string().optional().meta({
      description: 'Why it waits at this moment, is held, or ended so.',
    }),
    evidence: z
      .url()
      .optional()
      .meta({ description: 'Where the evidence of its failed instances is, if there is any.' }),
    warnings: z.array(z.string()),
    release: z.number().optional(),
    image: z.string(),
    addresses: z.array(z.string()),
    variables: z.array(z.string()).meta({ description: 'Names; values are shown nowhere.' }),
    places: z
      .array(
        z.object({
          dataCentre: z.string(),
          state: z.enum(['waiting', 'trial', 'holding', 'rolling', 'done', 'returned', 'away']),
          since: time,
          strategy: z.enum(['rolling', 'blue-green', 'canary']).optional(),
          reason: z.string().optional(),
        }),
      )
      .optional()
      .meta({ description: 'How far it is in each data centre.' }),
    decision: z.object({ go: z.enum(['on', 'back']), by: z.string() }).optional(),
    jobs: z
      .object({ before: z.string().optional(), after: z.string().optional() })
      .optional()
      .meta({ description: 'Ids of the jobs that ran the commands before and after it.' }),
    legs: z.array(leg),
    createdAt: time,
    url: z.url(),
  })
  .meta({ id: 'Deployment' });

export const release = z
  .object({
    number: z.number(),
    sha,
    build: z.string(),
    image: z.string(),
    createdAt: time,
  })
  .meta({ id: 'Release' });

export const counts = z
  .object({
    wanted: z.number(),
    waiting: z.number(),
    starting: z.number(),
    healthy: z.number(),
    unhealthy: z.number(),
    stopping: z.number(),
  })
  .meta({ id: 'InstanceCounts', description: 'Instances by state.' });

export const health = z
  .enum(['healthy', 'degraded', 'down', 'deploying', 'stopped'])
  .meta({ id: 'Health' });

export const service = z
  .object({
    environment: z.string(),
    service: z.string(),
    app: z.string().meta({ description: "Marathon's id." }),
    health,
    reason: z.string().optional(),
    release: release.optional(),
    instances: counts,
    addresses: z.array(z.string()),
    cpus: z.number().meta({ description: 'Processors of each instance.' }),
    mem: z.number().meta({ description: 'MiB of each instance.' }),
    variables: z.array(z.string()).meta({ description: 'Names; values are shown nowhere.' }),
    scale: z.object({ instances: z.number(), by: z.string(), at: time }).optional(),
    isDeploying: z.boolean(),
    places: z
      .array(
        z.object({
          dataCentre: z.string(),
          release: z.number().optional(),
          instances: counts.optional(),
          awaySince: time.optional(),
          reason: z.string().optional(),
        }),
      )
      .optional()
      .meta({
        description: 'By data centre, where there are several; the rest is of those that answer.',
      }),
  })
  .meta({ id: 'Service' });

export const instance = z
  .object({
    id: z.string(),
    state: z.enum(['waiting', 'starting', 'healthy', 'unhealthy', 'stopping']),
    reason: z.string().optional(),
    dataCentre: z.string().optional(),
    host: z.string().optional(),
    ports: z.array(z.number()),
    version: z.string().optional(),
    startedAt: time.optional(),
    isRouted: z.boolean().meta({ description: 'True when balancers send it requests.' }),
  })
  .meta({ id: 'Instance' });

export const logFile = z
  .object({ path: z.string(), size: z.number(), modifiedAt: time, url: z.url() })
  .meta({ id: 'LogFile' });

const values = z.array(z.number().nullable());

export const series = z
  .object({
    start: time,
    step: z.number().meta({ description: 'Milliseconds.' }),
    values: z.object({
      cpu: values.meta({ description: 'Processors in use.' }),
      memory: values.meta({ description: 'Bytes.' }),
      diskRead: values.meta({ description: 'Bytes a second.' }),
      diskWrite: values.meta({ description: 'Bytes a second.' }),
      networkReceive: values.meta({ description: 'Bytes a second.' }),
      networkSend: values.meta({ description: 'Bytes a second.' }),
    }),
  })
  .meta({ id: 'Series', description: 'Values at start, start + step, …; null: not measured.' });

export const upstream = z
  .object({
    environment: z.string(),
    service: z.string(),
    app: z.string(),
    routes: z.array(z.string()),
    members: z.array(z.object({ instance: z.string(), address: z.string(), weight: z.number() })),
  })
  .meta({ id: 'Upstream', description: 'What balancers spread requests over.' });

export const problem = z
  .object({
    type: z.string().meta({ description: 'urn:ekiden:problem: and the code.' }),
    title: z.string(),
    status: z.number(),
    detail: z.string().optional().meta({ description: 'What to do.' }),
    code: z.string().meta({ description: 'Stable word for programs.' }),
    mendedBy: z.enum(['developer', 'maintainer', 'administrator', 'ekiden']),
    diagnostic: diagnostic
      .optional()
      .meta({ description: 'The place in a Dockerfile, where INCLUDE is wrong.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457: what is wrong, and what to do.' });

/** One page of a list: `next` is the cursor of the following one. */
export function pageOf<Item extends z.ZodType>(item: Item, name: string) {
  return z
    .object({ items: z.array(item), next: z.string().optional() })
    .meta({ id: `${name}Page` });
}

/** The query of every list. */
export const paging = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional().meta({ description: '`next` of the page before.' }),
});
