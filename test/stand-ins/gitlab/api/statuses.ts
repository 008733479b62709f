/** Routes of commit statuses. */
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { isProtected } from '../protection.ts';
import { inRepo } from '../repository.ts';
import { findPipeline, type Pipeline, POSTED_STATES, postStatus } from '../statuses.ts';
import { pipelineEntity, statusEntity } from './entities.ts';
import {
  ApiError,
  type Asker,
  asker,
  commitOf,
  DEVELOPER,
  flag,
  forbidden,
  invalid,
  MAINTAINER,
  notFound,
  parameters,
  segment,
  sendPage,
} from './http.ts';

const postParameters = z.object({
  state: z.enum(POSTED_STATES),
  ref: z.string().optional(),
  target_url: z.string().optional(),
  description: z.string().optional(),
  name: z.string().optional(),
  context: z.string().optional(),
  coverage: z.coerce.number().optional(),
  pipeline_id: z.coerce.number().int().optional(),
});
type Post = z.output<typeof postParameters>;

const listParameters = z.object({
  ref: z.string().optional(),
  stage: z.string().optional(),
  name: z.string().optional(),
  all: flag.default(false),
  pipeline_id: z.coerce.number().int().optional(),
  order_by: z.enum(['id', 'pipeline_id']).default('id'),
  sort: z.enum(['asc', 'desc']).default('asc'),
});

export function statusRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.post('/projects/:id/statuses/:sha', async (request, response) => {
    const found = asker(gitlab, request, DEVELOPER);
    const post = parameters(request, postParameters);
    const sha = await commitOf(found, segment(request, 'sha'));
    const row = await accept(gitlab, found, sha, post);
    response.status(201).json(statusEntity(gitlab, row));
  });
  routes.get('/projects/:id/repository/commits/:sha/statuses', async (request, response) => {
    await list(gitlab, request, response);
  });
  routes.get('/projects/:id/pipelines', (request, response) => {
    const { project } = asker(gitlab, request);
    const { sha } = parameters(request, z.object({ sha: z.string().optional() }));
    const shown = project.statuses.pipelines.filter((one) => sha === undefined || one.sha === sha);
    sendPage(request, response, shown.toReversed(), (one) => pipelineEntity(gitlab, project, one));
  });
  return routes;
}

async function accept(gitlab: GitLab, found: Asker, sha: string, post: Post) {
  const { project, user } = found;
  const book = project.statuses;
  const matching = findPipeline(book, { sha, ref: post.ref, id: post.pipeline_id });
  const ref = post.ref ?? matching?.ref ?? (await firstBranchWith(found, sha));
  if (ref === undefined) throw notFound('References for commit');
  const isPinned =
    isProtected(project, `refs/heads/${ref}`) || isProtected(project, `refs/tags/${ref}`);
  if (isPinned && found.level < MAINTAINER) throw forbidden();
  if (post.pipeline_id !== undefined && matching === undefined) {
    throw notFound('Pipeline for pipeline_id, sha and ref');
  }
  checkLengths(post);
  const pipeline = matching ?? newPipeline(gitlab, found, { sha, ref });
  const wanted = {
    sha,
    ref,
    pipeline,
    name: post.name ?? post.context ?? 'default',
    userId: user.id,
    state: post.state,
    targetUrl: post.target_url,
    description: post.description,
    coverage: post.coverage,
  };
  const answer = postStatus(book, wanted, {
    now: gitlab.timestamp(),
    nextId: () => gitlab.state.nextId('job'),
    idempotent: gitlab.options.idempotentStatuses,
  });
  if ('refused' in answer) throw new ApiError(400, { message: answer.refused });
  return answer.row;
}

function checkLengths(post: Post): void {
  for (const field of ['ref', 'name', 'description', 'target_url'] as const) {
    if ((post[field]?.length ?? 0) > 255) {
      throw invalid(field, 'is too long (maximum is 255 characters)');
    }
  }
  if (post.target_url !== undefined && !/^https?:\/\/[^/]/.test(post.target_url)) {
    throw invalid('target_url', 'is blocked: Only allowed schemes are http, https');
  }
}

async function firstBranchWith(found: Asker, sha: string): Promise<string | undefined> {
  const args = ['for-each-ref', '--format=%(refname)', `--contains=${sha}`, 'refs/heads'];
  const [first = ''] = (await inRepo(found.repo, args)).split('\n');
  return first === '' ? undefined : first.slice('refs/heads/'.length);
}

/** Pipelines kept of a project; the oldest go first. */
const MAX_PIPELINES = 5000;

function newPipeline(gitlab: GitLab, found: Asker, of: { sha: string; ref: string }): Pipeline {
  const { project } = found;
  const now = gitlab.timestamp();
  const pipeline: Pipeline = {
    id: gitlab.state.nextId('pipeline'),
    iid: gitlab.state.nextId(`pipeline of ${project.id}`),
    projectId: project.id,
    ...of,
    createdAt: now,
    updatedAt: now,
  };
  project.statuses.pipelines.push(pipeline);
  if (project.statuses.pipelines.length > MAX_PIPELINES) project.statuses.pipelines.shift();
  return pipeline;
}

async function list(gitlab: GitLab, request: Request, response: Response): Promise<void> {
  const found = asker(gitlab, request);
  const wanted = parameters(request, listParameters);
  const sha = await commitOf(found, segment(request, 'sha'));
  const rows = found.project.statuses.rows.filter(
    (row) =>
      row.sha === sha &&
      (wanted.all || !row.retried) &&
      (wanted.ref === undefined || row.ref === wanted.ref) &&
      (wanted.stage === undefined || wanted.stage === 'external') &&
      (wanted.name === undefined || row.name === wanted.name) &&
      (wanted.pipeline_id === undefined || row.pipelineId === wanted.pipeline_id),
  );
  const key = wanted.order_by === 'id' ? 'id' : 'pipelineId';
  const direction = wanted.sort === 'asc' ? 1 : -1;
  const sorted = rows.toSorted((a, b) => direction * (a[key] - b[key] || a.id - b.id));
  sendPage(request, response, sorted, (row) => statusEntity(gitlab, row));
}
