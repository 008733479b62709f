/** Shapes of what the API says of releases. */
import { z } from 'zod';
import { sha, time } from './schemas.ts';

const standing = z
  .object({
    state: z.enum(['trying', 'good', 'bad']),
    since: time,
    reason: z.string().optional().meta({ description: 'Why it is bad.' }),
  })
  .meta({ id: 'Standing', description: 'What is known of a release.' });

const commit = z
  .object({
    sha,
    title: z.string(),
    author: z.string().optional(),
    at: time.optional(),
  })
  .meta({ id: 'CommitNote' });

const serviceRelease = z
  .object({
    service: z.string(),
    image: z.string().meta({ description: 'By digest.' }),
    standing,
    runs: z.boolean(),
    evidence: z.int().meta({ description: 'How many of its instances left evidence.' }),
  })
  .meta({ id: 'ServiceRelease' });

const facts = {
  number: z.int(),
  standing,
  sha,
  ref: z.string(),
  build: z.string(),
  author: z.string().optional().meta({ description: 'Who pushed, or asked for it.' }),
  commit: commit.optional().meta({ description: 'Where GitLab tells it.' }),
  createdAt: time,
  runs: z.boolean().meta({ description: 'True where a service runs it now.' }),
  buildUrl: z.url(),
};

export const release = z
  .object({ ...facts, services: z.array(serviceRelease) })
  .meta({ id: 'EnvironmentRelease', description: 'All that one push or request released.' });

const variable = z.object({
  name: z.string(),
  from: z.enum(['gitlab', 'manifest']),
  isSecret: z.boolean(),
});

const releasedService = serviceRelease
  .extend({
    app: z.string().meta({ description: "Marathon's id." }),
    variables: z.array(variable).meta({ description: 'Values are shown nowhere.' }),
    cpus: z.number(),
    mem: z.number().meta({ description: 'MiB.' }),
    instances: z.number().meta({ description: 'As the manifest said.' }),
    fragments: z.array(z.object({ file: z.string(), sha256: z.string() })),
    weights: z.record(z.string(), z.number()).optional().meta({
      description: 'How requests were shared when it became healthy.',
    }),
    definition: z
      .record(z.string(), z.unknown())
      .meta({ description: "Marathon's definition, with values of variables taken out." }),
  })
  .meta({ id: 'ReleasedService' });

export const releaseDetail = z
  .object({ ...facts, services: z.array(releasedService) })
  .meta({ id: 'ReleaseDetail' });

const names = z
  .object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
  })
  .meta({ id: 'NameChanges' });

const side = (of: z.ZodType<string>) => z.object({ from: of.optional(), to: of.optional() });

const serviceDiff = z
  .object({
    service: z.string(),
    from: z.int().optional(),
    to: z.int().optional().meta({ description: 'Absent for one that is not made yet.' }),
    sha: side(z.string()),
    image: side(z.string()),
    variables: names,
    fragments: names,
    settings: z.array(
      z.object({ name: z.string(), from: z.string().optional(), to: z.string().optional() }),
    ),
    isSame: z.boolean().meta({ description: 'True where only number and commit are different.' }),
  })
  .meta({ id: 'ReleaseDiff' });

export const diff = z
  .object({
    from: z.int(),
    to: z.int(),
    sha: z.object({ from: sha, to: sha }),
    comparison: z.url().optional().meta({ description: "GitLab's page." }),
    commits: z
      .object({ added: z.array(commit), removed: z.array(commit) })
      .optional()
      .meta({ description: 'Newest first; absent where GitLab does not tell.' }),
    services: z.array(serviceDiff),
  })
  .meta({ id: 'EnvironmentDiff' });

const strategy = z.looseObject({ kind: z.enum(['rolling', 'blue-green', 'canary']) });

export const plan = z
  .object({
    held: z.string().optional().meta({ description: 'Why it would take an override.' }),
    services: z.array(
      serviceDiff
        .extend({
          app: z.string(),
          kind: z.enum(['push', 'redeploy', 'rollback']),
          restarts: z.int().meta({ description: 'Instances that new ones would replace.' }),
          instances: z.int(),
          strategy,
          dataCentres: z.array(z.string()),
          warnings: z.array(z.string()),
        })
        .meta({ id: 'PlannedService' }),
    ),
  })
  .meta({ id: 'Plan' });
