/** The endpoint that cleans away what no release needs. */
import { z } from 'zod';
import { AccessError } from '../../core/errors.ts';
import { endpoint } from './endpoint.ts';

const bytes = z.number().meta({ description: 'Bytes that go, each layer counted once.' });

const cleaned = z
  .object({
    removed: z.array(
      z.object({
        names: z.array(z.string()),
        bytes: z.number().meta({ description: 'Bytes that nothing which stays needs.' }),
      }),
    ),
    bytes,
    notes: z.array(z.string()).meta({ description: 'What was left although nothing needs it.' }),
  })
  .meta({ id: 'Cleaned' });

const report = z
  .object({
    dryRun: z.boolean(),
    host: cleaned.optional().meta({ description: 'The Docker host beside the role web, if any.' }),
    buildCache: bytes.optional(),
    registry: cleaned.optional(),
  })
  .meta({ id: 'CleaningReport' });

export const clean = endpoint({
  method: 'post',
  path: '/clean',
  id: 'clean',
  tag: 'Ekiden',
  summary: 'Removes images and tags that no release needs, from this host and from the registry',
  description: "With Ekiden's own token only. Other build hosts clean themselves on their timers.",
  needs: 'signed-in',
  body: z
    .object({
      dryRun: z.boolean().default(false).meta({ description: 'Only says what would go.' }),
    })
    .strict()
    .meta({ id: 'WantedCleaning' }),
  answer: { description: 'What went, or would go.', schema: report },
  async handle({ ekiden, caller, body: { dryRun } }) {
    if (!caller.isService) throw notAllowed();
    return ekiden.cleaning.clean({ dryRun });
  },
});

function notAllowed(): AccessError {
  return new AccessError("Only Ekiden's own token cleans.", {
    code: 'E_SERVICE_ONLY',
    status: 403,
    hint: "Ask with the token in GITLAB_TOKEN, as ekiden clean does on Ekiden's own machine.",
  });
}
