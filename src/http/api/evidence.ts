/** Endpoints about what failed instances left behind. */
import { z } from 'zod';
import type { Evidence, EvidenceSummary } from '../../core/evidence.ts';
import type { Ekiden } from '../../ekiden.ts';
import { endpoint } from './endpoint.ts';
import { instanceParams, missing, noService, serviceParams } from './names.ts';
import { series, time } from './schemas.ts';

const path = '/projects/{project}/environments/{environment}/services/{service}/evidence';

const check = z.object({
  check: z.string().meta({ description: 'Such as HTTP /health on 8080.' }),
  alive: z.boolean(),
  consecutiveFailures: z.number(),
  cause: z.string().optional(),
  at: time.optional().meta({ description: 'Of its last failure.' }),
});

const summary = z
  .object({
    instance: z.string().meta({ description: "Marathon's task id." }),
    release: z.number(),
    dataCentre: z.string(),
    host: z.string().optional(),
    at: time,
    state: z.string().meta({
      description: "Marathon's word; TASK_RUNNING: it ran, and never became healthy.",
    }),
    reason: z.string().meta({ description: 'What happened, in one sentence.' }),
    exit: z
      .object({
        code: z.number().optional(),
        signal: z.string().optional(),
        outOfMemory: z.boolean(),
      })
      .optional(),
    checks: z.array(check).meta({ description: 'What its checks said last.' }),
    listening: z
      .array(z.number())
      .optional()
      .meta({ description: 'TCP ports on which its own processes listened.' }),
    url: z.url(),
  })
  .meta({ id: 'EvidenceSummary' });

const whole = summary
  .extend({
    logs: z
      .array(z.object({ path: z.string(), lines: z.array(z.string()) }))
      .meta({ description: 'The last 200 lines of each log file, secrets taken out.' }),
    otherLogs: z
      .number()
      .optional()
      .meta({ description: 'How many log files there were besides, of which no lines are kept.' }),
    usage: z
      .object({
        limits: z.object({ cpu: z.number().optional(), memory: z.number().optional() }),
        series,
      })
      .optional()
      .meta({ description: 'What it used in its last hour.' }),
  })
  .meta({ id: 'Evidence', description: 'What a failed instance left behind.' });

const release = z.coerce.number().int().positive().max(1_000_000_000).optional();

/** Releases that are looked at where none is named. */
const mostReleases = 5;

export const listEvidence = endpoint({
  method: 'get',
  path,
  id: 'listEvidence',
  tag: 'Evidence',
  summary: 'Failed instances of a service: the first and the newest five of each release',
  needs: 'look',
  params: serviceParams,
  query: z.object({
    release: release.meta({ description: 'Default: the newest five that have any.' }),
  }),
  answer: {
    description: 'Newest first.',
    schema: z.object({ items: z.array(summary) }).meta({ id: 'EvidenceList' }),
  },
  async handle({ ekiden, project, params, query }) {
    const app = await appOf(ekiden, { project, params });
    const all = await ekiden.evidence.releases(app);
    const numbers = query.release === undefined ? all.slice(0, mostReleases) : [query.release];
    const lists = await Promise.all(numbers.map((number) => ekiden.evidence.list(app, number)));
    const items = lists.flat().sort((a, b) => b.at - a.at);
    return { items: items.map((each) => viewOf(ekiden, { project, params }, each)) };
  },
});

export const readEvidence = endpoint({
  method: 'get',
  path: `${path}/{instance}`,
  id: 'readEvidence',
  tag: 'Evidence',
  summary: 'What a failed instance left behind: log files, exit, checks, ports, resource curve',
  needs: 'look',
  params: instanceParams,
  answer: { description: 'Kept as long as its release.', schema: whole },
  async handle({ ekiden, project, params }) {
    const app = await appOf(ekiden, { project, params });
    for (const number of await ekiden.evidence.releases(app)) {
      const found: Evidence | undefined = await ekiden.evidence.find(app, number, params.instance);
      if (found) return { ...found, ...viewOf(ekiden, { project, params }, found) };
    }
    throw missing('evidence');
  },
});

interface Named {
  project: number;
  params: { environment: string; service: string };
}

/** Of a service that was taken down, too. @throws NotFoundError for one that was never deployed. */
async function appOf(ekiden: Pick<Ekiden, 'appIds'>, { project, params }: Named): Promise<string> {
  const { environment, service } = params;
  const apps = await ekiden.appIds.list({ project, environment });
  const app = apps.get(service);
  if (app !== undefined) return app;
  throw noService(
    params,
    [...apps.keys()].map((name) => `${name} in ${environment}`),
  );
}

function viewOf(
  { config }: Pick<Ekiden, 'config'>,
  { project, params: { environment, service } }: Named,
  { app: _, project: __, environment: ___, service: ____, ...rest }: EvidenceSummary,
) {
  const place = `projects/${project}/environments/${encodeURIComponent(environment)}/services/${service}`;
  const url = `${config.url}/api/v1/${place}/evidence/${encodeURIComponent(rest.instance)}`;
  return { ...rest, url };
}
