/** Endpoints about a project's hook in GitLab. */
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { projectParams } from './names.ts';

const registration = z
  .object({
    hook: z.object({ id: z.number(), url: z.url() }),
    change: z.enum(['created', 'repaired', 'unchanged']),
    test: z.object({
      outcome: z.enum(['arrived', 'refused', 'waits']),
      decision: z.string().optional(),
      reason: z.string(),
      hint: z.string().optional(),
    }),
  })
  .meta({ id: 'HookRegistration' });

export const enableHook = endpoint({
  method: 'put',
  path: '/projects/{project}/hook',
  id: 'enableHook',
  tag: 'Hook',
  summary: 'Registers the hook in GitLab, or repairs it, and has GitLab send a test delivery',
  description: 'The test is a push of the newest commit, which is built like any other.',
  needs: 'configure',
  params: projectParams,
  answer: { description: 'The hook, and whether the delivery arrived.', schema: registration },
  handle: ({ ekiden, project }) => ekiden.hookRegistration.enable(project),
});

export const disableHook = endpoint({
  method: 'delete',
  path: '/projects/{project}/hook',
  id: 'disableHook',
  tag: 'Hook',
  summary: "Removes Ekiden's hook from the project in GitLab",
  needs: 'configure',
  params: projectParams,
  answer: {
    description: 'The hooks that were removed.',
    schema: z
      .object({ removed: z.array(z.object({ id: z.number(), url: z.url() })) })
      .meta({ id: 'HookRemoval' }),
  },
  handle: ({ ekiden, project }) => ekiden.hookRegistration.disable(project),
});
