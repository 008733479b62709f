/** The shape of app definitions as clients send them; what is unknown is dropped, as Marathon does. */
import { z } from 'zod';
import { ApiError, type Complaint } from '../api/api-error.ts';

const port = z.int().min(0).max(65535);
const count = z.int().min(0);

/** What Node's timers can wait for, some 24 days; with more they fire at once. */
const longestWait = Math.floor((2 ** 31 - 1) / 1000);
const seconds = count.max(longestWait);
const words = z.record(z.string(), z.string());
const transport = z.enum(['tcp', 'udp', 'udp,tcp']);
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

const portMapping = z.object({
  containerPort: port.optional(),
  hostPort: port.optional(),
  servicePort: port.optional(),
  protocol: transport.optional(),
  name: name.optional(),
  labels: words.optional(),
  networkNames: z.array(z.string()).optional(),
});

const volume = z.object({
  containerPath: z.string().min(1),
  hostPath: z.string().min(1).optional(),
  mode: z.enum(['RO', 'RW']).optional(),
  persistent: z.unknown().optional(),
  external: z.unknown().optional(),
  secret: z.string().optional(),
});

const docker = z.object({
  image: z.string().min(1),
  forcePullImage: z.boolean().optional(),
  privileged: z.boolean().optional(),
  parameters: z.array(z.object({ key: z.string().min(1), value: z.string() })).optional(),
  credential: z.unknown().optional(),
  pullConfig: z.unknown().optional(),
  network: z.enum(['BRIDGE', 'HOST', 'NONE', 'USER']).optional(),
  portMappings: z.array(portMapping).optional(),
});

const container = z.object({
  type: z.enum(['DOCKER', 'MESOS']).optional(),
  docker: docker.optional(),
  volumes: z.array(volume).optional(),
  portMappings: z.array(portMapping).optional(),
});

const healthCheck = z.object({
  protocol: z
    .enum(['HTTP', 'HTTPS', 'TCP', 'COMMAND', 'MESOS_HTTP', 'MESOS_HTTPS', 'MESOS_TCP'])
    .optional(),
  path: z.string().optional(),
  port: port.optional(),
  portIndex: port.optional(),
  command: z.object({ value: z.string() }).optional(),
  gracePeriodSeconds: seconds.optional(),
  intervalSeconds: seconds.optional(),
  timeoutSeconds: seconds.optional(),
  maxConsecutiveFailures: count.optional(),
  delaySeconds: seconds.optional(),
  ignoreHttp1xx: z.boolean().optional(),
  ipProtocol: z.enum(['IPv4', 'IPv6']).optional(),
});

/** Of Mesos alone, which kills nothing by it. */
const check = z.object({
  http: z
    .object({
      port: port.optional(),
      portIndex: port.optional(),
      path: z.string().optional(),
      scheme: z.enum(['HTTP', 'HTTPS']).optional(),
    })
    .optional(),
  tcp: z.object({ port: port.optional(), portIndex: port.optional() }).optional(),
  exec: z
    .object({
      command: z.union([
        z.object({ shell: z.string().min(1) }),
        z.object({ argv: z.array(z.string()).min(1) }),
      ]),
    })
    .optional(),
  intervalSeconds: seconds.default(60),
  timeoutSeconds: seconds.default(20),
  delaySeconds: seconds.default(15),
});

const executorResources = z.object({
  cpus: z.number().min(0.1).default(0.1),
  mem: z.number().min(32).default(32),
  disk: z.number().min(10).default(10),
});

const readinessCheck = z.object({
  name: z.string().min(1).optional(),
  protocol: z.enum(['HTTP', 'HTTPS']).optional(),
  path: z.string().min(1).optional(),
  portName: z.string().optional(),
  intervalSeconds: seconds.optional(),
  timeoutSeconds: z.int().min(1).optional(),
  httpStatusCodesForReady: z.array(z.int().min(100).max(999)).min(1).optional(),
  preserveLastResponse: z.boolean().optional(),
});

const portDefinition = z.object({
  port: port.optional(),
  protocol: transport.optional(),
  name: name.optional(),
  labels: words.optional(),
});

const network = z.object({
  mode: z.enum(['host', 'container', 'container/bridge']).optional(),
  name: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$/)
    .optional(),
  labels: words.optional(),
});

const unreachableStrategy = z.union([
  z.literal('disabled'),
  z.object({
    inactiveAfterSeconds: count.optional(),
    expungeAfterSeconds: count.optional(),
  }),
]);

const limit = z.union([z.number(), z.literal('unlimited')]);

const artifact = z.object({
  uri: z.string().min(1),
  extract: z.boolean().optional(),
  executable: z.boolean().optional(),
  cache: z.boolean().optional(),
  destPath: z.string().optional(),
});

/** Every field may be missing: the same shape serves creation, replacement and partial update. */
export const appInput = z.object({
  id: z.string().min(1).optional(),
  cmd: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  user: z.string().optional(),
  env: z.record(z.string(), z.union([z.string(), z.object({ secret: z.string() })])).optional(),
  instances: z.int().min(0).optional(),
  cpus: z.number().min(0.001).optional(),
  mem: z.number().min(0).optional(),
  disk: z.number().min(0).optional(),
  gpus: z.int().min(0).optional(),
  executor: z.string().optional(),
  executorResources: executorResources.optional(),
  constraints: z.array(z.array(z.string()).min(2).max(3)).optional(),
  fetch: z.array(artifact).optional(),
  uris: z.array(z.string()).optional(),
  ports: z.array(port).optional(),
  portDefinitions: z.array(portDefinition).optional(),
  requirePorts: z.boolean().optional(),
  ipAddress: z
    .looseObject({ networkName: z.string().optional(), labels: words.optional() })
    .optional(),
  networks: z.array(network).optional(),
  container: container.optional(),
  healthChecks: z.array(healthCheck).optional(),
  check: check.optional(),
  readinessChecks: z.array(readinessCheck).optional(),
  backoffSeconds: seconds.optional(),
  backoffFactor: z.number().min(1).optional(),
  maxLaunchDelaySeconds: seconds.optional(),
  taskKillGracePeriodSeconds: seconds.optional(),
  upgradeStrategy: z
    .object({
      minimumHealthCapacity: z.number().min(0).max(1),
      maximumOverCapacity: z.number().min(0).max(1),
    })
    .optional(),
  labels: words.optional(),
  acceptedResourceRoles: z.array(z.string()).optional(),
  dependencies: z.array(z.string()).optional(),
  killSelection: z.enum(['YOUNGEST_FIRST', 'OLDEST_FIRST']).optional(),
  unreachableStrategy: unreachableStrategy.optional(),
  resourceLimits: z.object({ cpus: limit.optional(), mem: limit.optional() }).optional(),
  secrets: z.record(z.string(), z.unknown()).optional(),
  tty: z.boolean().optional(),
  role: z.string().optional(),
  version: z.string().optional(),
});

export type AppInput = z.infer<typeof appInput>;
export type ContainerInput = z.infer<typeof container>;
export type PortMappingInput = z.infer<typeof portMapping>;
export type HealthCheckInput = z.infer<typeof healthCheck>;
export type ReadinessCheckInput = z.infer<typeof readinessCheck>;
export type VolumeInput = z.infer<typeof volume>;
export type NetworkInput = z.infer<typeof network>;

/** Reads one app definition; throws Marathon's 422 with every faulty place. */
export function parseApp(body: unknown): AppInput {
  return parse(appInput, body);
}

/** Reads the array body of PUT and PATCH `/v2/apps`. */
export function parseApps(body: unknown): AppInput[] {
  return parse(z.array(appInput).max(1000), body);
}

/** Reads the body of POST `/v2/tasks/delete`. */
export function parseTaskIds(body: unknown): string[] {
  return parse(z.object({ ids: z.array(z.string()).max(10_000) }), body).ids;
}

/** Reads a body of that shape; throws Marathon's 422 with every faulty place. */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = safely(() => schema.safeParse(withoutNulls(body), { reportInput: true }));
  if (result.success) return result.data;
  const { issues } = result.error;
  const details = issues.map(complaint);
  const rangesOnly = issues.every(({ code }) => code === 'too_big' || code === 'too_small');
  throw new ApiError(422, rangesOnly ? 'Object is not valid' : 'Invalid JSON', { details });
}

/** Lists in lists without an end are no reason to fail. */
function safely<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ApiError(400, 'Invalid JSON', { details: 'nested too deeply' });
  }
}

/** A null means the same as a missing field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field)]));
}

function complaint(issue: z.core.$ZodIssue): Complaint {
  if (issue.code === 'invalid_union') return complaintOfUnion(issue);
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `(${part})` : `/${String(part)}`))
    .join('');
  return { path: path || '/', errors: [wording(issue)] };
}

/** Of several forms the one is told of that the input comes nearest to. */
function complaintOfUnion(issue: z.core.$ZodIssueInvalidUnion): Complaint {
  const near = issue.errors.find((problems) => problems.some(({ path }) => path.length > 0));
  const [problem] = near ?? issue.errors[0] ?? [];
  if (!problem) return { path: '/', errors: [issue.message] };
  return complaint({ ...problem, path: [...issue.path, ...problem.path] });
}

const EXPECTED: Record<string, string> = {
  string: 'error.expected.jsstring',
  number: 'error.expected.jsnumber',
  int: 'error.expected.jsnumber',
  boolean: 'error.expected.jsboolean',
  array: 'error.expected.jsarray',
  object: 'error.expected.jsobject',
  record: 'error.expected.jsobject',
};

/** Play's error codes, which Marathon's clients show to people. */
function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'error.path.missing';
    return EXPECTED[issue.expected] ?? issue.message;
  }
  if (issue.code === 'invalid_value') return `error.unknown.enum.literal`;
  if (issue.code === 'too_big') return `is greater than ${issue.maximum}`;
  if (issue.code === 'too_small') return `is less than ${issue.minimum}`;
  if (issue.code === 'invalid_format') return `error.pattern`;
  return issue.message;
}
