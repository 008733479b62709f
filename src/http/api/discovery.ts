/** Endpoints for balancers of one's own: what to spread requests over. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { projectParams } from './names.ts';
import * as schemas from './schemas.ts';

export const readDiscovery = endpoint({
  method: 'get',
  path: '/projects/{project}/discovery',
  id: 'readDiscovery',
  tag: 'Discovery',
  summary: 'The addresses of a project with the instances that answer there',
  needs: 'look',
  params: projectParams,
  answer: {
    description: 'As read from Marathon now.',
    schema: z.object({ upstreams: z.array(schemas.upstream) }).meta({ id: 'Discovery' }),
  },
  handle: async ({ ekiden, project }) => ({ upstreams: await ekiden.discovery.ofProject(project) }),
});

export const readNginx = endpoint({
  method: 'get',
  path: '/projects/{project}/discovery/nginx',
  id: 'readNginx',
  tag: 'Discovery',
  summary: 'The same as upstream blocks of nginx, to be included',
  description: 'Takes If-None-Match.',
  needs: 'look',
  params: projectParams,
  answer: { description: 'Equal states give equal bytes.', type: 'text/plain' },
  others: { 304: 'It is as it was.' },
  async handle({ ekiden, project, request, response }) {
    const text = await ekiden.discovery.nginxOf(project);
    const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`;
    response.set({ ETag: etag, 'Cache-Control': 'no-cache' });
    // Express would not, for clients that say no-cache beside it, as fetch does.
    if (isKnown(request.get('If-None-Match'), etag)) response.status(304).end();
    else response.type('text').send(text);
  },
});

/** By the weak comparison of RFC 9110, section 13.1.2: a proxy that compresses makes a tag weak. */
function isKnown(given: string | undefined, etag: string): boolean {
  const tags = (given ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
