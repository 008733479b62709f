/** Shapes of the REST API's answers, key by key as GitLab presents them. */
import type { GitLab } from '../core.ts';
import type { Deployment, Environment } from '../deployments.ts';
import { alertOf } from '../hook-failures.ts';
import { HOOK_EVENTS, type Hook, type HookLog } from '../hooks.ts';
import { bestLevel, groupsAbove, namespaceOf } from '../members.ts';
import { isProtected } from '../protection.ts';
import type { Commit, Tag } from '../repository.ts';
import type { Group, Project, User } from '../state.ts';
import { type Pipeline, pipelineState, type StatusRow } from '../statuses.ts';
import { atLeast } from '../version.ts';

export function projectUrl(gitlab: GitLab, project: Project): string {
  return `${gitlab.instance().url}/${project.fullPath}`;
}

export function userBasic(gitlab: GitLab, user: User | undefined) {
  if (user === undefined) return null;
  return {
    id: user.id,
    username: user.username,
    public_email: user.publicEmail ?? '',
    name: user.name,
    state: user.state,
    locked: false,
    avatar_url: null,
    web_url: `${gitlab.instance().url}/${user.username}`,
  };
}

function projectBasic(gitlab: GitLab, project: Project) {
  const url = projectUrl(gitlab, project);
  const names = project.fullPath.split('/');
  const namespace = namespaceOf(project);
  return {
    id: project.id,
    description: project.description,
    name: project.name,
    name_with_namespace: [...names.slice(0, -1), project.name].join(' / '),
    path: names.at(-1),
    path_with_namespace: project.fullPath,
    created_at: project.createdAt,
    default_branch: project.defaultBranch,
    tag_list: [],
    topics: [],
    ssh_url_to_repo: `git@${new URL(url).hostname}:${project.fullPath}.git`,
    http_url_to_repo: `${url}.git`,
    web_url: url,
    readme_url: null,
    forks_count: 0,
    avatar_url: null,
    star_count: 0,
    last_activity_at: project.createdAt,
    visibility: project.visibility,
    namespace: namespaceEntity(gitlab, namespace),
  };
}

function namespaceEntity(gitlab: GitLab, path: string) {
  const group = gitlab.state.groups.find(({ fullPath }) => fullPath === path);
  const user = gitlab.state.users.find(({ username }) => username === path);
  return {
    id: group?.id ?? user?.id ?? null,
    name: group?.name ?? user?.name ?? path,
    path: path.split('/').at(-1),
    kind: group === undefined ? 'user' : 'group',
    full_path: path,
    parent_id: parentOf(gitlab, path)?.id ?? null,
    avatar_url: null,
    web_url: `${gitlab.instance().url}/${group === undefined ? '' : 'groups/'}${path}`,
  };
}

function parentOf(gitlab: GitLab, path: string): Group | undefined {
  const parent = path.split('/').slice(0, -1).join('/');
  return gitlab.state.groups.find(({ fullPath }) => fullPath === parent);
}

export function groupEntity(gitlab: GitLab, group: Group) {
  const { fullPath } = group;
  return {
    id: group.id,
    web_url: `${gitlab.instance().url}/groups/${fullPath}`,
    name: group.name,
    path: fullPath.split('/').at(-1),
    description: '',
    visibility: 'private',
    full_name: fullPath.split('/').join(' / '),
    full_path: fullPath,
    parent_id: parentOf(gitlab, fullPath)?.id ?? null,
  };
}

export function projectFull(gitlab: GitLab, project: Project, user: User) {
  const groups = groupsAbove(gitlab.state, namespaceOf(project)).map(({ members }) => members);
  const api = `${gitlab.instance().url}/api/v4/projects/${project.id}`;
  return {
    ...projectBasic(gitlab, project),
    _links: { self: api, repo_branches: `${api}/repository/branches`, members: `${api}/members` },
    archived: false,
    empty_repo: project.empty,
    repository_object_format: 'sha1',
    container_registry_enabled: true,
    jobs_enabled: true,
    merge_requests_enabled: true,
    builds_access_level: 'enabled',
    repository_access_level: project.repositoryAccess,
    creator_id: project.creatorId,
    ci_config_path: null,
    permissions: {
      project_access: permission(bestLevel(gitlab, user, [project.members])),
      group_access: permission(bestLevel(gitlab, user, groups)),
    },
  };
}

function permission(level: number) {
  return level === 0 ? null : { access_level: level, notification_level: 3 };
}

export function commitEntity(gitlab: GitLab, project: Project, commit: Commit) {
  return {
    id: commit.id,
    short_id: commit.id.slice(0, 8),
    created_at: commit.committer.date,
    parent_ids: commit.parents,
    title: commit.title,
    message: commit.message,
    author_name: commit.author.name,
    author_email: commit.author.email,
    authored_date: commit.author.date,
    committer_name: commit.committer.name,
    committer_email: commit.committer.email,
    committed_date: commit.committer.date,
    trailers: {},
    extended_trailers: {},
    web_url: `${projectUrl(gitlab, project)}/-/commit/${commit.id}`,
  };
}

export function branchEntity(gitlab: GitLab, project: Project, name: string, commit: Commit) {
  return {
    name,
    commit: commitEntity(gitlab, project, commit),
    merged: false,
    protected: isProtected(project, `refs/heads/${name}`),
    developers_can_push: false,
    developers_can_merge: false,
    can_push: true,
    default: name === project.defaultBranch,
    web_url: `${projectUrl(gitlab, project)}/-/tree/${name}`,
  };
}

export function tagEntity(gitlab: GitLab, project: Project, tag: Tag, commit: Commit) {
  return {
    name: tag.name,
    message: tag.message,
    target: tag.target,
    commit: commitEntity(gitlab, project, commit),
    release: null,
    protected: isProtected(project, `refs/tags/${tag.name}`),
    created_at: tag.createdAt,
  };
}

export function pipelineEntity(gitlab: GitLab, project: Project, pipeline: Pipeline) {
  return {
    id: pipeline.id,
    iid: pipeline.iid,
    project_id: project.id,
    sha: pipeline.sha,
    ref: pipeline.ref,
    status: pipelineState(project.statuses, pipeline),
    source: 'external',
    created_at: pipeline.createdAt,
    updated_at: pipeline.updatedAt,
    web_url: `${projectUrl(gitlab, project)}/-/pipelines/${pipeline.id}`,
  };
}

export function statusEntity(gitlab: GitLab, row: StatusRow) {
  return {
    id: row.id,
    sha: row.sha,
    ref: row.ref,
    status: row.status,
    name: row.name,
    target_url: row.targetUrl,
    description: row.description,
    created_at: row.createdAt,
    started_at: row.startedAt,
    finished_at: row.finishedAt,
    allow_failure: false,
    coverage: row.coverage,
    pipeline_id: row.pipelineId,
    author: userBasic(
      gitlab,
      gitlab.state.users.find(({ id }) => id === row.userId),
    ),
  };
}

/** Never tells a secret, only whether there is one. */
export function hookEntity(gitlab: GitLab, hook: Hook) {
  const events = HOOK_EVENTS.map((event) => [event, hook.events[event]] as const);
  return {
    id: hook.id,
    url: hook.url,
    name: hook.name,
    description: hook.description,
    created_at: hook.createdAt,
    ...Object.fromEntries(events),
    enable_ssl_verification: hook.sslVerification,
    ...alertOf(hook, gitlab.now()),
    url_variables: [],
    push_events_branch_filter: hook.branchFilter.pattern,
    branch_filter_strategy: hook.branchFilter.strategy,
    custom_webhook_template: null,
    custom_headers: hook.customHeaders.map(({ key }) => ({ key })),
    ...(atLeast(gitlab.instance().version, 19, 0)
      ? { token_present: hook.token !== null, signing_token_present: hook.signingToken !== null }
      : {}),
    project_id: hook.projectId,
  };
}

export function hookLogEntity(log: HookLog) {
  const secret = { 'X-Gitlab-Token': '[REDACTED]' };
  return {
    id: log.id,
    url: log.url,
    trigger: log.trigger,
    request_headers: {
      ...log.requestHeaders,
      ...('X-Gitlab-Token' in log.requestHeaders ? secret : {}),
    },
    request_data: JSON.parse(log.requestBody) as unknown,
    response_headers: log.responseHeaders,
    response_body: log.responseBody,
    execution_duration: log.durationMs / 1000,
    response_status: log.status,
    created_at: log.createdAt,
  };
}

function environmentBasic(environment: Environment) {
  return {
    id: environment.id,
    name: environment.name,
    slug: environment.slug,
    external_url: environment.externalUrl,
    created_at: environment.createdAt,
    updated_at: environment.updatedAt,
  };
}

export function deploymentEntity(gitlab: GitLab, project: Project, deployment: Deployment) {
  const environment = project.environments.find(({ id }) => id === deployment.environmentId);
  return {
    id: deployment.id,
    iid: deployment.iid,
    ref: deployment.ref,
    sha: deployment.sha,
    created_at: deployment.createdAt,
    updated_at: deployment.updatedAt,
    user: userBasic(
      gitlab,
      gitlab.state.users.find(({ id }) => id === deployment.userId),
    ),
    environment: environment === undefined ? null : environmentBasic(environment),
    deployable: null,
    status: deployment.status,
  };
}

export function environmentEntity(gitlab: GitLab, project: Project, environment: Environment) {
  const last = project.deployments.findLast(
    ({ environmentId, status }) => environmentId === environment.id && status === 'success',
  );
  return {
    ...environmentBasic(environment),
    tier: environment.tier,
    project: projectBasic(gitlab, project),
    last_deployment: last === undefined ? null : deploymentEntity(gitlab, project, last),
    state: environment.state,
    auto_stop_at: null,
    cluster_agent: null,
    kubernetes_namespace: null,
    flux_resource_path: null,
    description: environment.description,
    auto_stop_setting: 'always',
  };
}
