/** Endpoints about builds. */
import { z } from 'zod';
import type { Caller } from '../../core/access.ts';
import type { Ekiden } from '../../ekiden.ts';
import { serveBytes } from '../bytes.ts';
import { endpoint } from './endpoint.ts';
import { missing, projectParams, recordParams } from './names.ts';
import * as schemas from './schemas.ts';
import { viewOfBuild } from './views.ts';

export const listBuilds = endpoint({
  method: 'get',
  path: '/projects/{project}/builds',
  id: 'listBuilds',
  tag: 'Builds',
  summary: 'Builds of a project, newest first',
  needs: 'look',
  params: projectParams,
  query: schemas.paging,
  answer: { description: 'One page.', schema: schemas.pageOf(schemas.build, 'Build') },
  async handle({ ekiden, project, query: { limit, cursor } }) {
    const page = await ekiden.builds.list(project, { limit, ...(cursor ? { cursor } : {}) });
    const items = page.items.map((build) => viewOfBuild(build, ekiden.config.url));
    return { items, ...(page.next ? { next: page.next } : {}) };
  },
});

const wantedBuild = z
  .object({
    ref: z
      .string()
      .regex(/^[^ \p{Cc}\p{Cs}]{1,1000}$/u, 'is no branch, tag or full ref')
      .optional()
      .meta({ description: 'Branch, tag or full ref; default: the default branch.' }),
  })
  .strict()
  .meta({ id: 'WantedBuild' });

const requestedBuild = z.object({ id: z.string(), url: z.url() }).meta({ id: 'RequestedBuild' });

export const requestBuild = endpoint({
  method: 'post',
  path: '/projects/{project}/builds',
  id: 'requestBuild',
  tag: 'Builds',
  summary: 'Builds the head of a branch or tag, and deploys it as a push would',
  description: 'Older commits are not built: the newest of a ref wins.',
  needs: 'build',
  params: projectParams,
  body: wantedBuild,
  answer: { status: 202, description: 'It is queued.', schema: requestedBuild },
  async handle({ ekiden, project, body: { ref }, caller }) {
    const wanted = { project, ...askerOf(caller), ...(ref ? { ref } : {}) };
    const { id } = await ekiden.buildRequests.request(wanted);
    return { id, url: `${ekiden.config.url}/builds/${id}` };
  },
});

export const readBuild = endpoint({
  method: 'get',
  path: '/projects/{project}/builds/{id}',
  id: 'readBuild',
  tag: 'Builds',
  summary: 'A build',
  needs: 'look',
  params: recordParams,
  answer: { description: 'The build as it is now.', schema: schemas.build },
  handle: async ({ ekiden, project, params }) =>
    viewOfBuild(await findBuild(ekiden, project, params.id), ekiden.config.url),
});

export const cancelBuild = endpoint({
  method: 'post',
  path: '/projects/{project}/builds/{id}/cancel',
  id: 'cancelBuild',
  tag: 'Builds',
  summary: 'Cancels a build that waits or runs',
  needs: 'build',
  params: recordParams,
  answer: { description: 'The build, canceled.', schema: schemas.build },
  others: { 409: 'It has ended.' },
  async handle({ ekiden, project, params, caller }) {
    const { id } = await findBuild(ekiden, project, params.id);
    const build = await ekiden.buildRequests.cancel(id, caller.username);
    return viewOfBuild(build, ekiden.config.url);
  },
});

const wantedRetry = z
  .object({
    exactly: z.boolean().default(false).meta({
      description: 'With the very fragments that the build had, not their newest versions.',
    }),
    cache: z
      .boolean()
      .default(true)
      .meta({ description: 'False: nothing that was made before is used.' }),
  })
  .strict()
  .meta({ id: 'WantedRetry' });

export const retryBuild = endpoint({
  method: 'post',
  path: '/projects/{project}/builds/{id}/retry',
  id: 'retryBuild',
  tag: 'Builds',
  summary: 'Does a build that has ended again: the same commit of the same ref',
  needs: 'build',
  params: recordParams,
  body: wantedRetry,
  answer: { status: 202, description: 'A new build is queued.', schema: requestedBuild },
  others: { 409: 'It has not ended, or its ref has moved on.' },
  async handle({ ekiden, project, params, body, caller }) {
    const { id: build } = await findBuild(ekiden, project, params.id);
    const { id } = await ekiden.buildRequests.retry({ build, ...askerOf(caller), ...body });
    return { id, url: `${ekiden.config.url}/builds/${id}` };
  },
});

export const readBuildLog = endpoint({
  method: 'get',
  path: '/projects/{project}/builds/{id}/log',
  id: 'readBuildLog',
  tag: 'Builds',
  summary: 'What a build said so far, as UTF-8; as a WebSocket, also what it goes on to say',
  description: 'Takes Range. The frames of the socket are described in docs/api.md.',
  needs: 'look',
  params: recordParams,
  answer: { description: 'The log.', type: 'text/plain' },
  others: {
    101: 'The socket is open.',
    206: 'The wanted range.',
    410: 'It is no longer kept.',
    416: 'There are no such bytes.',
  },
  async handle({ ekiden, project, params, request, response }) {
    const { id } = await findBuild(ekiden, project, params.id);
    const { size, gap } = await ekiden.buildLogReader.state(id);
    await serveBytes({
      ...{ request, response, gap },
      type: 'text/plain; charset=utf-8',
      size: async () => size,
      open: (range) => ekiden.buildLogReader.open(id, range),
    });
  },
});

/** The token of a job sees no other project, so its builds must not read them by the rights of its user. */
function askerOf({ username, user, onlyProject }: Caller) {
  return { by: username, ...(onlyProject === undefined ? { actor: user } : {}) };
}

/** @throws NotFoundError also for a build of another project. */
export async function findBuild({ builds }: Pick<Ekiden, 'builds'>, project: number, id: string) {
  const build = await builds.find(id);
  if (build?.project === project) return build;
  throw missing('build');
}
