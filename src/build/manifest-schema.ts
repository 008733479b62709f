/** What `.ekiden.yml` may hold; checks, types and the JSON Schema for editors come from here. */
import { z } from 'zod';
import { parseRoute, routePattern } from '../core/upstream.ts';

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
    deploy: z.strictObject({ deadline: duration.optional() }).default({}),
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
