/** Builds the bodies of push and tag push deliveries, key by key as GitLab sends them. */
import type { Deployment, Environment } from './deployments.ts';
import { isProtected } from './protection.ts';
import type { PushOptions } from './push-options.ts';
import { type Commit, ZERO_SHA } from './repository.ts';
import type { Project, User } from './state.ts';
import { atLeast } from './version.ts';

/** The base URL that links point to, and the release whose keys are sent. */
export interface Instance {
  url: string;
  version: string;
}

export interface CommitWithFiles extends Commit {
  added: string[];
  modified: string[];
  removed: string[];
}

export interface PushFacts {
  ref: string;
  before: string;
  after: string;
  /** What to build: the commit behind an annotated tag, null for a deletion. */
  checkoutSha: string | null;
  /** Text of an annotated tag. */
  message: string | null;
  /** At most 20, oldest first. */
  commits: CommitWithFiles[];
  totalCommits: number;
  pushOptions: PushOptions;
}

const VISIBILITY_LEVELS = { private: 0, internal: 10, public: 20 };

export function isTag(ref: string): boolean {
  return ref.startsWith('refs/tags/');
}

export function isDeletion(sha: string): boolean {
  return sha === ZERO_SHA;
}

/** The body of a `push` or `tag_push` event. */
export function pushBody(
  instance: Instance,
  about: { project: Project; user: User; push: PushFacts },
): Record<string, unknown> {
  const { project, user, push } = about;
  const kind = isTag(push.ref) ? 'tag_push' : 'push';
  const described = projectBody(instance, project);
  return {
    object_kind: kind,
    event_name: kind,
    before: push.before,
    after: push.after,
    ref: push.ref,
    ...(atLeast(instance.version, 17, 0) ? { ref_protected: isProtected(project, push.ref) } : {}),
    checkout_sha: push.checkoutSha,
    message: push.message,
    user_id: user.id,
    user_name: user.name,
    user_username: user.username,
    user_email: user.publicEmail,
    user_avatar: null,
    project_id: project.id,
    project: described,
    commits: push.commits.map((commit) => commitBody(described.web_url, commit)),
    total_commits_count: push.totalCommits,
    push_options: push.pushOptions,
    repository: {
      name: described.name,
      url: described.url,
      description: described.description,
      homepage: described.homepage,
      git_http_url: described.git_http_url,
      git_ssh_url: described.git_ssh_url,
      visibility_level: described.visibility_level,
    },
  };
}

/** How hook bodies describe the project, with the old names that GitLab still sends. */
function projectBody(instance: Instance, project: Project) {
  const webUrl = `${instance.url}/${project.fullPath}`;
  const sshUrl = `git@${new URL(instance.url).hostname}:${project.fullPath}.git`;
  return {
    id: project.id,
    name: project.name,
    description: project.description,
    web_url: webUrl,
    avatar_url: null,
    git_ssh_url: sshUrl,
    git_http_url: `${webUrl}.git`,
    namespace: project.fullPath.split('/').at(-2) ?? '',
    visibility_level: VISIBILITY_LEVELS[project.visibility],
    path_with_namespace: project.fullPath,
    default_branch: project.defaultBranch,
    ci_config_path: null,
    homepage: webUrl,
    url: sshUrl,
    ssh_url: sshUrl,
    http_url: `${webUrl}.git`,
  };
}

/** The body of a `deployment` event of a deployment made over the API: no job belongs to it. */
export function deploymentBody(
  instance: Instance,
  about: {
    project: Project;
    user: User;
    deployment: Deployment;
    environment: Environment;
    commitTitle: string;
  },
): Record<string, unknown> {
  const { project, user, deployment, environment } = about;
  const described = projectBody(instance, project);
  return {
    object_kind: 'deployment',
    status: deployment.status,
    status_changed_at: deployment.updatedAt,
    deployment_id: deployment.id,
    deployable_id: null,
    deployable_url: null,
    environment: environment.name,
    environment_tier: environment.tier,
    environment_slug: environment.slug,
    environment_external_url: environment.externalUrl,
    project: described,
    short_sha: deployment.sha.slice(0, 8),
    user: {
      id: user.id,
      name: user.name,
      username: user.username,
      avatar_url: null,
      email: user.publicEmail ?? '[REDACTED]',
    },
    user_url: `${instance.url}/${user.username}`,
    commit_url: `${described.web_url}/-/commit/${deployment.sha}`,
    commit_title: about.commitTitle,
    ref: deployment.ref,
  };
}

function commitBody(webUrl: string, commit: CommitWithFiles): Record<string, unknown> {
  return {
    id: commit.id,
    message: commit.message,
    title: commit.title,
    timestamp: commit.committer.date,
    url: `${webUrl}/-/commit/${commit.id}`,
    author: { name: commit.author.name, email: commit.author.email },
    added: commit.added,
    modified: commit.modified,
    removed: commit.removed,
  };
}
