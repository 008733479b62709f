/** What Ekiden reads of Marathon's answers: schemas that name only the fields used, and their types. */
import { z } from 'zod';

// Marathon leaves empty arrays and objects out of its answers, and old versions write null for them.
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);

const strings = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

// Values of variables are no business of whoever reads an app, so they are dropped at the door.
const namesOnly = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => Object.keys(value ?? {}).sort());

const maybe = <T extends z.ZodType>(inner: T) =>
  inner.nullish().transform((value) => value ?? undefined);

const healthResult = z.object({
  alive: z.boolean(),
  consecutiveFailures: z.number().default(0),
  firstSuccess: maybe(z.string()),
  lastSuccess: maybe(z.string()),
  lastFailure: maybe(z.string()),
  lastFailureCause: maybe(z.string()),
});

const task = z
  .object({
    id: z.string(),
    appId: z.string(),
    host: maybe(z.string()),
    state: maybe(z.string()),
    ports: list(z.number()),
    ipAddresses: list(z.object({ ipAddress: z.string() })),
    slaveId: maybe(z.string()),
    stagedAt: maybe(z.string()),
    startedAt: maybe(z.string()),
    version: maybe(z.string()),
    healthCheckResults: list(healthResult),
  })
  // Before 1.4 a task says when it was started, and not in which state it is.
  .transform(({ state, ...rest }) => ({
    ...rest,
    state: state ?? (rest.startedAt === undefined ? undefined : 'TASK_RUNNING'),
  }));

const portMapping = z.object({
  containerPort: z.number().default(0),
  hostPort: maybe(z.number()),
  name: maybe(z.string()),
});

// Up to 1.4 the mappings and the network stand below `docker`.
const container = z
  .object({
    docker: maybe(
      z.object({
        image: maybe(z.string()),
        network: maybe(z.string()),
        portMappings: list(portMapping),
      }),
    ),
    portMappings: list(portMapping),
  })
  .transform(({ docker, portMappings }) => ({
    docker,
    portMappings: portMappings.length > 0 ? portMappings : (docker?.portMappings ?? []),
  }));

const taskFailure = z.object({
  taskId: z.string(),
  state: z.string(),
  message: z.string().default(''),
  host: maybe(z.string()),
  timestamp: maybe(z.string()),
  version: maybe(z.string()),
});

const healthCheck = z.object({
  protocol: z.string().default('HTTP'),
  path: maybe(z.string()),
  port: maybe(z.number()),
  portIndex: maybe(z.number()),
});

export const appSchema = z.object({
  id: z.string(),
  version: z.string().default(''),
  versionInfo: maybe(z.object({ lastConfigChangeAt: z.string(), lastScalingAt: z.string() })),
  instances: z.number().default(1),
  cpus: maybe(z.number()),
  mem: maybe(z.number()),
  env: namesOnly,
  labels: strings,
  networks: list(z.object({ mode: z.string() })),
  container: maybe(container),
  healthChecks: list(healthCheck),
  tasks: list(task),
  tasksStaged: z.number().default(0),
  tasksRunning: z.number().default(0),
  tasksHealthy: z.number().default(0),
  tasksUnhealthy: z.number().default(0),
  deployments: list(z.object({ id: z.string() })),
  lastTaskFailure: maybe(taskFailure),
});

const action = z.object({ action: maybe(z.string()), app: maybe(z.string()) });

export const deploymentSchema = z.object({
  id: z.string(),
  version: maybe(z.string()),
  affectedApps: list(z.string()),
  currentActions: list(action),
  currentStep: z.number().default(0),
  totalSteps: z.number().default(0),
});

const declines = list(
  z.object({
    reason: z.string(),
    declined: z.number().default(0),
    processed: z.number().default(0),
  }),
);

// Embedded only when it is asked for.
const unusedOffer = z.object({
  offer: z.object({
    hostname: maybe(z.string()),
    resources: list(z.object({ name: z.string(), scalar: maybe(z.number()) })),
  }),
  reason: list(z.string()),
});

export const queueItemSchema = z.object({
  app: z.object({
    id: z.string(),
    cpus: maybe(z.number()),
    mem: maybe(z.number()),
    disk: maybe(z.number()),
    gpus: maybe(z.number()),
    constraints: list(z.array(z.string())),
    acceptedResourceRoles: list(z.string()),
  }),
  count: z.number().default(0),
  since: maybe(z.string()),
  delay: maybe(z.object({ timeLeftSeconds: z.number(), overdue: z.boolean() })),
  processedOffersSummary: maybe(
    z.object({
      lastUnusedOfferAt: maybe(z.string()),
      lastUsedOfferAt: maybe(z.string()),
      rejectSummaryLastOffers: declines,
      rejectSummaryLaunchAttempt: declines,
    }),
  ),
  lastUnusedOffers: list(unusedOffer),
});

export const infoSchema = z.object({
  name: z.string(),
  version: z.string(),
  buildref: maybe(z.string()),
  leader: maybe(z.string()),
});

export const deploymentResultSchema = z.object({ version: z.string(), deploymentId: z.string() });

export const eventSchema = z.object({
  eventType: z.string(),
  timestamp: maybe(z.string()),
  appId: maybe(z.string()),
  runSpecId: maybe(z.string()),
  taskId: maybe(z.string()),
  taskStatus: maybe(z.string()),
  instanceId: maybe(z.string()),
  condition: maybe(z.string()),
  alive: maybe(z.boolean()),
  healthy: maybe(z.boolean()),
  host: maybe(z.string()),
  ports: list(z.number()),
  version: maybe(z.string()),
  message: maybe(z.string()),
  reason: maybe(z.string()),
  id: maybe(z.string()),
  appDefinition: maybe(z.object({ id: maybe(z.string()) })),
  plan: maybe(
    z.object({ id: maybe(z.string()), steps: list(z.object({ actions: list(action) })) }),
  ),
});

/** One container that an app has or is about to have; `ports` are host ports in declared order. */
export type MarathonTask = z.output<typeof task>;
/** An app with its tasks, counts and running deployments. */
export type MarathonApp = z.output<typeof appSchema>;
/** A deployment that still runs; finished ones are not listed by Marathon. */
export type MarathonDeployment = z.output<typeof deploymentSchema>;
/** Instances that wait for a place to run or for their back-off to pass. */
export type MarathonQueueItem = z.output<typeof queueItemSchema>;
/** Which server answers; `leader` is host:port. */
export type MarathonInfo = z.output<typeof infoSchema>;
/** What a write that starts a deployment answers. */
export type DeploymentResult = z.output<typeof deploymentResultSchema>;
/** Any event of the stream; which fields are there depends on `eventType`. */
export type MarathonEvent = z.output<typeof eventSchema>;
