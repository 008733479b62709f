/** What `.ekiden.yml` may hold; checks, types and the JSON Schema for editors come from here. */
import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import type { Strategy } from '../core/manifest.ts';
import { parseRoute, routePattern } from '../core/upstream.ts';
import { constraint } from './manifest-constraint.ts';

const units = { s: 1, m: 60, h: 3_600 } as const;

const duration = z
  .union([z.number().positive(), z.string().regex(/^\d+(s|m|h)$/, 'must be like 20s, 5m or 1h')])
  .transform((value) => {
    if (typeof value === 'number') return value;
    return Number(value.slice(0, -1)) * units[value.slice(-1) as keyof typeof units];
  })
  .refine((seconds) => seconds <= 24 * units.h, 'must be at most 24h')
  .describe('Seconds, or a number with s, m or h.');

/** Spelled as git does, for entries of the context are told apart by their names. */
const insideRepository = z
  .string()
  .min(1)
  .transform((path) => path.split('/').filter((segment) => segment !== '' && segment !== '.'))
  .refine((segments) => !segments.includes('..'), 'must stay inside the repository')
  .transform((segments) => segments.join('/'));

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const oneOrMore = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const port = z.int().min(1).max(65_535);

const absolute = z.string().regex(/^\//, 'must begin with /');

const routeRule =
  'must be host or host/path, the host in lower case, such as shop.example.com/cart';
const route = z
  .string()
  .regex(routePattern, routeRule)
  .refine((address) => parseRoute(address) !== undefined, routeRule);

const health = z.strictObject({
  path: absolute.optional().describe('Path for an HTTP check.'),
  command: z.string().min(1).optional().describe('Command that exits with 0 when all is well.'),
  port: port.optional().describe('Container port to check; default: the first port.'),
  interval: duration.default(5),
  timeout: duration.default(5),
  grace: duration.default(30).describe('How long failures are forgiven after the start.'),
  failures: z.int().min(1).default(3).describe('Failures in a row until an instance is replaced.'),
});

const service = z.strictObject({
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .optional()
    .describe('A string is run by a shell, a list as it is.'),
  cpus: z.number().positive().max(256).default(0.1),
  mem: z.int().min(4).default(256).describe('MiB.'),
  instances: z.int().min(0).default(1),
  ports: z
    .union([z.literal('auto'), z.array(port).max(20)])
    .optional()
    .describe('Container ports, or auto: the app listens on $PORT of the host network.'),
  health: z
    .union([z.literal(false), health])
    .default(() => health.parse({}))
    .describe('Default: the first port accepts a TCP connection.'),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), text).default({}),
  logs: absolute.default('/var/log/app').describe('Folder of the log files.'),
  routes: z.array(route).default([]),
  dataCentres: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/))
    .min(1)
    .optional()
    .describe('Data centres in which it runs, with so many instances in each.'),
  constraints: z
    .array(constraint)
    .max(20)
    .optional()
    .describe("Marathon's constraints, such as [disk, CLUSTER, ssd]."),
});

const variable = z.string().regex(/^[A-Za-z_]\w*$/, 'must be the name of a CI/CD variable');
const secrets = z
  .union([
    z.array(variable).transform((names) => Object.fromEntries(names.map((name) => [name, name]))),
    z.record(z.string().regex(/^[\w.-]+$/), variable),
  ])
  .describe('CI/CD variables for RUN --mount=type=secret: names, or id of the mount → name.');

const environment = z.strictObject({
  branches: oneOrMore.default([]).describe('Branches that go here; * matches anything.'),
  tags: oneOrMore.default([]).describe('Tags that go here; * matches anything.'),
});

const include = z
  .strictObject({
    allow: oneOrMore.describe('Projects, such as group/name; * is any name, ** any names.'),
    paths: oneOrMore.describe('Files of this project, such as docker/**.'),
  })
  .describe('Which projects may INCLUDE which files of this one.');

/** Seconds as a sixth field would start containers faster than anybody wants. */
const cronSchedule = z
  .string()
  .refine((text) => text.trim().split(/\s+/).length === 5, 'must have five fields')
  // The parser takes H for any time, another one whenever it is asked.
  .refine((text) => !/(?:^|[\s,])H/i.test(text), 'must name its times, and none by H')
  .refine(isCron, 'is no schedule of cron, such as 0 3 * * *');

const timezone = z.string().refine(isTimezone, 'is no name of a time zone, such as Europe/Paris');

function isCron(text: string): boolean {
  try {
    CronExpressionParser.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const command = z.union([z.string().min(1), z.array(z.string()).min(1)]);

/** Seconds that old instances stay after the switch, and that a canary is looked at, where nothing is said. */
const defaultHold = 300;

function isShare(text: string): boolean {
  const share = Number.parseFloat(text);
  return share > 0 && share <= 100;
}

const anySize = 'must be a number from 1 on, or a share such as 10%';
const canarySize = z
  .union(
    [z.int().min(1, anySize), z.templateLiteral([z.number(), '%']).refine(isShare, anySize)],
    anySize,
  )
  .describe('So many instances, or a share of them, and of the requests, such as 10%.');

const strategy = z
  .union(
    [
      z.enum(['rolling', 'blue-green', 'canary']).transform((kind): Strategy => {
        if (kind === 'rolling') return { kind };
        if (kind === 'blue-green') return { kind, keep: defaultHold };
        return { kind, instances: 1, hold: defaultHold };
      }),
      z
        .strictObject({
          'blue-green': z.strictObject({
            keep: duration.default(defaultHold).describe('How long the old instances stay.'),
          }),
        })
        .transform((written): Strategy => ({ kind: 'blue-green', ...written['blue-green'] })),
      z
        .strictObject({
          canary: z.strictObject({
            instances: canarySize.default(1),
            hold: z
              .union([z.literal('manual'), duration], 'must be manual, or like 20s, 5m or 1h')
              .default(defaultHold)
              .describe('How long until the others follow, or manual.'),
          }),
        })
        .transform(({ canary }): Strategy => ({ kind: 'canary', ...canary })),
    ],
    'must be rolling, blue-green (with keep) or canary (with instances and hold)',
  )
  .describe('How new instances take the place of old ones; default: rolling.');

const job = z.strictObject({
  schedule: cronSchedule.describe('Minute, hour, day of month, month, day of week.'),
  timezone: timezone.default('UTC'),
  command: command.describe('A string is run by a shell, a list as it is.'),
  service: z.string().default('web').describe('Whose image, variables and size it has.'),
  environments: oneOrMore.optional().describe('Default: all that the commit is deployed to.'),
  cpus: z.number().positive().max(256).optional(),
  mem: z.int().min(4).optional().describe('MiB.'),
  timeout: duration.default(units.h),
});

const deploy = z.strictObject({
  deadline: duration.optional().describe('Until what is not healthy is reversed.'),
  strategy: strategy.default({ kind: 'rolling' }),
  order: z
    .enum(['sequence', 'together'])
    .default('sequence')
    .describe('Data centres one after the other, or all at once.'),
  before: command.optional().describe('Run once before any new instance starts.'),
  after: command.optional().describe('Run once when the new release gets requests.'),
});

/** The whole manifest; unknown keys are refused. */
export const manifestSchema = z
  .strictObject({
    build: z
      .strictObject({
        dockerfile: insideRepository.default('Dockerfile'),
        context: insideRepository.default(''),
        args: z.record(z.string().regex(/^[A-Za-z_]\w*$/), text).default({}),
        target: z.string().min(1).optional(),
        platform: z
          .string()
          .regex(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/, 'must be like linux/amd64')
          .optional()
          .describe('Default: that of the build host.'),
        secrets: secrets.default({}),
        timeout: duration
          .optional()
          .describe('How long the build may take; at most as long as the administrator allows.'),
      })
      .prefault({}),
    environments: z
      .record(z.string().regex(/^[A-Za-z0-9][\w/.-]{0,254}$/), z.union([oneOrMore, environment]))
      .optional()
      .describe('Which branches and tags go to which environment.'),
    services: z
      .record(z.string().regex(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/), service)
      .default(() => ({ web: service.parse({}) })),
    deploy: deploy.prefault({}),
    jobs: z
      .record(z.string().regex(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/), job)
      .default({})
      .describe('Commands that run by the clock in the release that an environment has.'),
    include: include.optional(),
  })
  .meta({
    title: 'Ekiden manifest',
    description: 'How a repository is built and run: .ekiden.yml',
  });

export type ManifestInput = z.output<typeof manifestSchema>;

/** The JSON Schema for editors: what people write, before defaults. */
export function manifestJsonSchema(): Record<string, unknown> {
  return manifestSchema.toJSONSchema({ io: 'input', target: 'draft-7' });
}
