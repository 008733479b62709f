/** Routes of tokens: what a token may know of itself, and the job behind a job token. */
import { Router } from 'express';
import type { GitLab } from '../core.ts';
import type { Job, Token } from '../state.ts';
import { authenticateJob, endOf, tokenOf } from './authentication.ts';
import { projectUrl, userBasic } from './entities.ts';

export function tokenRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/personal_access_tokens/self', (request, response) => {
    response.json(tokenEntity(gitlab, tokenOf(gitlab, request)));
  });
  routes.get('/job', (request, response) => {
    response.json(jobEntity(gitlab, authenticateJob(gitlab, request)));
  });
  return routes;
}

function tokenEntity(gitlab: GitLab, token: Token) {
  return {
    id: token.id,
    name: token.name,
    revoked: token.ended === 'revoked',
    created_at: '2026-01-01T00:00:00.000Z',
    description: null,
    scopes: token.scopes,
    user_id: token.userId,
    last_used_at: gitlab.timestamp(),
    active: endOf(token, gitlab.now()) === undefined,
    expires_at: token.expiresAt,
  };
}

function jobEntity(gitlab: GitLab, job: Job) {
  const project = gitlab.state.projects.find(({ id }) => id === job.projectId);
  const url = project === undefined ? '' : projectUrl(gitlab, project);
  const user = gitlab.state.users.find(({ id }) => id === job.userId);
  return {
    id: job.id,
    status: job.status,
    stage: 'deploy',
    name: 'deploy',
    ref: job.ref,
    tag: job.tag,
    coverage: null,
    allow_failure: false,
    created_at: job.createdAt,
    started_at: job.createdAt,
    finished_at: job.finishedAt,
    erased_at: null,
    duration: null,
    queued_duration: 0.1,
    user: userBasic(gitlab, user),
    commit: { id: job.sha, short_id: job.sha.slice(0, 8) },
    pipeline: {
      id: job.pipelineId,
      iid: job.pipelineId,
      project_id: job.projectId,
      sha: job.sha,
      ref: job.ref,
      status: 'running',
      source: 'push',
      created_at: job.createdAt,
      updated_at: job.createdAt,
      web_url: `${url}/-/pipelines/${job.pipelineId}`,
    },
    failure_reason: null,
    web_url: `${url}/-/jobs/${job.id}`,
    project: { ci_job_token_scope_enabled: false },
    artifacts: [],
    runner: null,
    artifacts_expire_at: null,
    archived: false,
    tag_list: [],
  };
}
