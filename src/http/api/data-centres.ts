/** The endpoint about data centres. */
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import * as schemas from './schemas.ts';

const balancer = z.object({
  balancer: z.string().meta({ description: 'Host of the role balance.' }),
  syncedAt: schemas.time
    .optional()
    .meta({ description: 'When all that it knows was last confirmed by Marathon.' }),
  streamAt: schemas.time
    .optional()
    .meta({ description: 'When the event stream last gave a sign of life.' }),
  isOld: z.boolean(),
});

const dataCentre = z
  .object({
    name: z.string(),
    addresses: z.array(z.string()).readonly(),
    isDefault: z
      .boolean()
      .meta({ description: 'True where services go whose manifest names no data centre.' }),
    state: z.enum(['up', 'away']),
    reason: z.string().optional(),
    awaySince: schemas.time.optional(),
    version: z.string().optional().meta({ description: 'Of Marathon.' }),
    leader: z.string().optional(),
    apps: z.number().optional().meta({ description: 'Of this installation, as are instances.' }),
    instances: z.object({ wanted: z.number(), running: z.number() }).optional(),
    balancers: z.array(balancer),
  })
  .meta({ id: 'DataCentre' });

export const listDataCentres = endpoint({
  method: 'get',
  path: '/data-centres',
  id: 'listDataCentres',
  tag: 'Data centres',
  summary: 'The data centres, how each is, and how fresh it is what balancers know of it',
  needs: 'signed-in',
  answer: {
    description:
      'In the order of the settings. One that does not answer is waited for some seconds.',
    schema: z.object({ items: z.array(dataCentre) }).meta({ id: 'DataCentres' }),
  },
  handle: async ({ ekiden }) => ({ items: await ekiden.dataCentreReports.list() }),
});
