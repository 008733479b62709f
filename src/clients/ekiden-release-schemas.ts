/** What the command line reads of the API's answers about releases. */
import { z } from 'zod';

const standing = z.looseObject({
  state: z.string(),
  since: z.string(),
  reason: z.string().optional(),
});
const commit = z.looseObject({ sha: z.string(), title: z.string(), author: z.string().optional() });

const release = z.looseObject({
  number: z.number(),
  standing,
  sha: z.string(),
  ref: z.string(),
  author: z.string().optional(),
  commit: commit.optional(),
  createdAt: z.string(),
  services: z.array(
    z.looseObject({ service: z.string(), runs: z.boolean(), evidence: z.number() }),
  ),
});
export const releasesSchema = z.looseObject({
  items: z.array(release),
  next: z.string().optional(),
});
export type ReleaseAnswer = z.output<typeof release>;

export const rebuiltSchema = z.looseObject({ releases: z.number() });

const names = z.looseObject({
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.string()),
});
const side = z.looseObject({ from: z.string().optional(), to: z.string().optional() });

const serviceDiff = z.looseObject({
  service: z.string(),
  from: z.number().optional(),
  to: z.number().optional(),
  sha: side,
  image: side,
  variables: names,
  fragments: names,
  settings: z.array(
    z.looseObject({ name: z.string(), from: z.string().optional(), to: z.string().optional() }),
  ),
});
export type ServiceDiffAnswer = z.output<typeof serviceDiff>;

export const diffSchema = z.looseObject({
  from: z.number(),
  to: z.number(),
  comparison: z.string().optional(),
  commits: z.looseObject({ added: z.array(commit), removed: z.array(commit) }).optional(),
  services: z.array(serviceDiff),
});
export type DiffAnswer = z.output<typeof diffSchema>;

const planned = serviceDiff.extend({
  kind: z.string(),
  restarts: z.number(),
  instances: z.number(),
  strategy: z.looseObject({ kind: z.string() }),
  dataCentres: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type PlannedAnswer = z.output<typeof planned>;

export const planSchema = z.looseObject({
  held: z.string().optional(),
  services: z.array(planned),
});
