/** What the command line reads of the API's answers; whatever else they hold stays in them. */
import { z } from 'zod';

const leg = z.looseObject({ name: z.string(), start: z.string(), end: z.string().optional() });

export const buildSchema = z.looseObject({
  id: z.string(),
  ref: z.string(),
  sha: z.string(),
  state: z.string(),
  reason: z.string().optional(),
  waiting: z.looseObject({ why: z.string() }).optional(),
  by: z.string().optional(),
  twin: z.string().optional(),
  environments: z.array(z.string()),
  deployments: z.array(z.string()),
  legs: z.array(leg),
  createdAt: z.string(),
  url: z.string(),
});

export const deploymentSchema = z.looseObject({
  id: z.string(),
  environment: z.string(),
  service: z.string(),
  kind: z.string(),
  by: z.string().optional(),
  sha: z.string(),
  state: z.string(),
  reason: z.string().optional(),
  warnings: z.array(z.string()),
  release: z.number().optional(),
  addresses: z.array(z.string()),
  places: z.array(z.looseObject({ state: z.string(), strategy: z.string().optional() })).optional(),
  legs: z.array(leg),
  createdAt: z.string(),
  url: z.string(),
});

export const serviceSchema = z.looseObject({
  environment: z.string(),
  service: z.string(),
  app: z.string(),
  health: z.string(),
  reason: z.string().optional(),
  release: z.looseObject({ number: z.number(), sha: z.string() }).optional(),
  instances: z.looseObject({
    wanted: z.number(),
    healthy: z.number(),
  }),
  addresses: z.array(z.string()),
  isDeploying: z.boolean(),
  places: z
    .array(
      z.looseObject({
        dataCentre: z.string(),
        release: z.number().optional(),
        instances: z.looseObject({ wanted: z.number(), healthy: z.number() }).optional(),
        awaySince: z.string().optional(),
        reason: z.string().optional(),
      }),
    )
    .optional(),
});

export const environmentSettingsSchema = z.looseObject({
  autoDeploy: z.boolean(),
  freeze: z
    .looseObject({ reason: z.string(), by: z.string(), until: z.string().optional() })
    .optional(),
});

export const projectSchema = z.looseObject({
  id: z.number(),
  path: z.string(),
  environments: z.array(
    z.looseObject({
      name: z.string(),
      settings: environmentSettingsSchema.optional(),
      services: z.array(serviceSchema),
    }),
  ),
  builds: z.array(buildSchema),
  deployments: z.array(deploymentSchema),
  links: z.looseObject({ page: z.string() }),
});

export const buildsSchema = z.looseObject({
  items: z.array(buildSchema),
  next: z.string().optional(),
});
export const requestedBuildSchema = z.looseObject({ id: z.string(), url: z.string() });
export const deploymentsSchema = z.looseObject({ items: z.array(deploymentSchema) });
export const requestedDeploymentsSchema = z.looseObject({
  deployments: z.array(deploymentSchema),
});

export const instancesSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      state: z.string(),
      reason: z.string().optional(),
      dataCentre: z.string().optional(),
      host: z.string().optional(),
      startedAt: z.string().optional(),
    }),
  ),
});

export const filesSchema = z.looseObject({
  items: z.array(z.looseObject({ path: z.string(), size: z.number() })),
});

export const registrationSchema = z.looseObject({
  hook: z.looseObject({ id: z.number(), url: z.string() }),
  change: z.string(),
  test: z.looseObject({
    outcome: z.string(),
    decision: z.string().optional(),
    reason: z.string(),
    hint: z.string().optional(),
  }),
});

export const hookRemovalSchema = z.looseObject({
  removed: z.array(z.looseObject({ id: z.number(), url: z.string() })),
});

export type EnvironmentSettingsAnswer = z.output<typeof environmentSettingsSchema>;

export const jobSchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  name: z.string().optional(),
  service: z.string(),
  release: z.number(),
  command: z.union([z.string(), z.array(z.string())]),
  state: z.string(),
  exitCode: z.number().optional(),
  isLogIncomplete: z.boolean().optional(),
  reason: z.string().optional(),
  by: z.string(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  url: z.string(),
});
export const jobsSchema = z.looseObject({ items: z.array(jobSchema) });
export type JobAnswer = z.output<typeof jobSchema>;

export const removedSchema = z.looseObject({ apps: z.array(z.string()) });

const fragmentFields = {
  name: z.string(),
  versions: z.array(
    z.looseObject({
      version: z.string(),
      deprecated: z.string().optional(),
      withdrawn: z.string().optional(),
    }),
  ),
  problem: z.string().optional(),
  projects: z.number(),
  refs: z.number(),
};

export const fragmentsSchema = z.looseObject({ items: z.array(z.looseObject(fragmentFields)) });

export const fragmentSchema = z.looseObject({
  ...fragmentFields,
  users: z.array(
    z.looseObject({
      project: z.looseObject({ path: z.string() }),
      ref: z.string(),
      environments: z.array(z.string()),
      taken: z.array(z.looseObject({ source: z.string(), version: z.string() })),
      build: z.string(),
      at: z.string(),
    }),
  ),
  hidden: z.number(),
  next: z.string().optional(),
});

const cleanedSchema = z.object({
  removed: z.array(z.object({ names: z.array(z.string()), bytes: z.number() })),
  bytes: z.number(),
  notes: z.array(z.string()),
});

export const cleaningSchema = z.object({
  dryRun: z.boolean(),
  host: cleanedSchema.optional(),
  buildCache: z.number().optional(),
  registry: cleanedSchema.optional(),
});

export const dataCentresSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      name: z.string(),
      addresses: z.array(z.string()),
      isDefault: z.boolean(),
      state: z.string(),
      reason: z.string().optional(),
      awaySince: z.string().optional(),
      version: z.string().optional(),
      leader: z.string().optional(),
      apps: z.number().optional(),
      instances: z.looseObject({ wanted: z.number(), running: z.number() }).optional(),
      balancers: z.array(
        z.looseObject({
          balancer: z.string(),
          syncedAt: z.string().optional(),
          isOld: z.boolean(),
        }),
      ),
    }),
  ),
});

export type DataCentreAnswer = z.output<typeof dataCentresSchema>['items'][number];
export type CleaningAnswer = z.output<typeof cleaningSchema>;
export type FragmentSummaryAnswer = z.output<typeof fragmentsSchema>['items'][number];
export type FragmentAnswer = z.output<typeof fragmentSchema>;
export type BuildAnswer = z.output<typeof buildSchema>;
export type DeploymentAnswer = z.output<typeof deploymentSchema>;
export type ServiceAnswer = z.output<typeof serviceSchema>;
export type ProjectAnswer = z.output<typeof projectSchema>;
export type InstanceAnswer = z.output<typeof instancesSchema>['items'][number];
export type RegistrationAnswer = z.output<typeof registrationSchema>;

export const evidenceSummarySchema = z.looseObject({
  instance: z.string(),
  release: z.number(),
  host: z.string().optional(),
  at: z.string(),
  state: z.string(),
  reason: z.string(),
  exit: z
    .looseObject({
      code: z.number().optional(),
      signal: z.string().optional(),
      outOfMemory: z.boolean(),
    })
    .optional(),
  checks: z.array(
    z.looseObject({ check: z.string(), alive: z.boolean(), cause: z.string().optional() }),
  ),
  listening: z.array(z.number()).optional(),
});
export const evidenceListSchema = z.looseObject({ items: z.array(evidenceSummarySchema) });
export const evidenceSchema = evidenceSummarySchema.extend({
  logs: z.array(z.looseObject({ path: z.string(), lines: z.array(z.string()) })),
  otherLogs: z.number().optional(),
});
export type EvidenceSummaryAnswer = z.output<typeof evidenceSummarySchema>;
export type EvidenceAnswer = z.output<typeof evidenceSchema>;
