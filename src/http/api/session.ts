/** Endpoints about who asks. */
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import * as schemas from './schemas.ts';

export const readSelf = endpoint({
  method: 'get',
  path: '/self',
  id: 'readSelf',
  tag: 'Access',
  summary: 'Who the token is, as GitLab says',
  needs: 'signed-in',
  answer: {
    description: 'The user.',
    schema: z
      .object({
        user: z.number(),
        username: z.string(),
        name: z.string(),
        mayChange: z.boolean().meta({ description: 'False for a token that may only read.' }),
      })
      .meta({ id: 'Self' }),
  },
  handle: async ({ caller }) => caller,
});

export const issueTicket = endpoint({
  method: 'post',
  path: '/tickets',
  id: 'issueTicket',
  tag: 'Access',
  summary: 'A ticket that opens one WebSocket within 30 s, as ?ticket=…',
  description: 'A browser cannot send headers with a WebSocket.',
  needs: 'signed-in',
  answer: {
    status: 201,
    description: 'Good for one use.',
    schema: z.object({ ticket: z.string(), expiresAt: schemas.time }).meta({ id: 'Ticket' }),
  },
  handle: ({ ekiden, caller }) => ekiden.access.issueTicket(caller),
});
