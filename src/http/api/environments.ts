/** Endpoints about what people set for an environment. */
import { z } from 'zod';
import type { EnvironmentSettings } from '../../core/environment.ts';
import { endpoint } from './endpoint.ts';
import { environmentParams } from './names.ts';
import { time } from './schemas.ts';

const path = '/projects/{project}/environments/{environment}';

export const environmentSettings = z
  .object({
    autoDeploy: z.boolean().meta({ description: 'False: a person has to deploy what is built.' }),
    freeze: z
      .object({ reason: z.string(), by: z.string(), at: time, until: time.optional() })
      .optional()
      .meta({ description: 'While it is there, deployments wait, or have to be overridden.' }),
  })
  .meta({ id: 'EnvironmentSettings' });

const held = 'What was held goes on once nothing holds it any more.';

export const readEnvironmentSettings = endpoint({
  method: 'get',
  path: `${path}/settings`,
  id: 'readEnvironmentSettings',
  tag: 'Environments',
  summary: 'Whether an environment is frozen, and whether pushes are deployed there by themselves',
  needs: 'look',
  params: environmentParams,
  answer: { description: 'The settings.', schema: environmentSettings },
  handle: async ({ ekiden, project, params: { environment } }) =>
    viewOfSettings(await ekiden.switches.find({ project, environment })),
});

export const freeze = endpoint({
  method: 'put',
  path: `${path}/freeze`,
  id: 'freeze',
  tag: 'Environments',
  summary: 'Freezes an environment: pushes are built and held, and people have to override',
  needs: 'configure',
  params: environmentParams,
  body: z
    .object({
      reason: z.string().trim().min(1, 'must say why, for whoever comes next').max(500),
      until: z.iso.datetime({ offset: true }).optional().meta({
        description: 'When it ends by itself; default: when somebody ends it.',
      }),
    })
    .strict()
    .meta({ id: 'WantedFreeze' }),
  answer: { description: 'The settings as they are now.', schema: environmentSettings },
  others: { 422: 'The time has passed.' },
  async handle({ ekiden, project, params: { environment }, body, caller }) {
    const { reason, until } = body;
    const wanted = {
      ...{ project, environment, by: caller.username, reason },
      ...(until === undefined ? {} : { until: Date.parse(until) }),
    };
    return viewOfSettings(await ekiden.switches.freeze(wanted));
  },
});

export const thaw = endpoint({
  method: 'delete',
  path: `${path}/freeze`,
  id: 'thaw',
  tag: 'Environments',
  summary: 'Ends the freeze of an environment',
  description: held,
  needs: 'configure',
  params: environmentParams,
  answer: { description: 'The settings as they are now.', schema: environmentSettings },
  handle: async ({ ekiden, project, params: { environment }, caller }) =>
    viewOfSettings(await ekiden.switches.thaw({ project, environment, by: caller.username })),
});

export const switchAutoDeploy = endpoint({
  method: 'put',
  path: `${path}/auto-deploy`,
  id: 'switchAutoDeploy',
  tag: 'Environments',
  summary: 'Says whether pushes are deployed to an environment by themselves',
  description: held,
  needs: 'configure',
  params: environmentParams,
  body: z.object({ enabled: z.boolean() }).strict().meta({ id: 'WantedAutoDeploy' }),
  answer: { description: 'The settings as they are now.', schema: environmentSettings },
  async handle({ ekiden, project, params: { environment }, body: { enabled }, caller }) {
    const by = caller.username;
    return viewOfSettings(await ekiden.switches.autoDeploy({ project, environment, by, enabled }));
  },
});

export function viewOfSettings({ autoDeploy, freeze: frozen }: EnvironmentSettings) {
  return { autoDeploy, ...(frozen ? { freeze: frozen } : {}) };
}
