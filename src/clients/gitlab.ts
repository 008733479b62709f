/** The few calls to GitLab that several stations share, over gitbeaker. */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Commits, Metadata, Projects, Repositories, RepositoryFiles } from '@gitbeaker/rest';
import { z } from 'zod';
import type { CodeReaders, Project } from '../core/access.ts';
import { messageOf } from '../core/errors.ts';
import { shortSha } from '../core/ref.ts';
import { createGitLabCommits, type GitLabCommits } from './gitlab-commits.ts';
import { createGitLabRefs, type GitLabRefs } from './gitlab-refs.ts';
import { createGitLabRepository, type GitLabRepository } from './gitlab-repository.ts';
import { absent, asking, type GitLabOptions, requestOptions, shorten } from './gitlab-request.ts';

/** GitLab keeps 255 characters of a status' description and of its link. */
const statusTextLimit = 255;

const projectSchema = z.object({
  id: z.number(),
  path_with_namespace: z.string(),
  default_branch: z.string().nullish(),
  web_url: z.string(),
  visibility: z.string().nullish(),
  repository_access_level: z.string().nullish(),
});
const versionSchema = z.object({ version: z.string() });
const fileSchema = z.object({ content: z.string(), encoding: z.string() });
const statusSchema = z.object({ pipeline_id: z.number().optional() });

export type StatusState = 'pending' | 'running' | 'success' | 'failed' | 'canceled' | 'skipped';

export interface StatusPost {
  project: number;
  sha: string;
  state: StatusState;
  /** Such as `ekiden/build`. */
  name: string;
  /** Branch or tag, without `refs/…`. */
  ref: string;
  description: string;
  targetUrl: string;
  /** Pipeline that the first status of the commit went to. */
  pipeline?: number;
}

export interface GitLab extends GitLabRepository, GitLabRefs, GitLabCommits {
  /** Such as 18.3.0; only whoever has a good token is told. */
  version(): Promise<string>;
  /** @throws NotFoundError when there is none that the token may see. */
  project(id: number): Promise<Project>;
  /** By id or full path, also by one that it had before; undefined for none that the token sees. */
  findProject(idOrPath: string): Promise<Project | undefined>;
  /** A file's bytes at a commit; undefined when it is absent. */
  file(project: number, path: string, sha: string): Promise<Buffer | undefined>;
  /** The repository (or the folder `path` of it) at `sha`, by default as a plain tar. */
  archive(
    project: number,
    options: { sha: string; path?: string; format?: 'tar' | 'tar.gz' },
  ): Promise<Readable>;
  /** Posts a commit status; answers the pipeline it went to. Saying the same twice is no error. */
  postStatus(status: StatusPost): Promise<{ pipeline: number | undefined }>;
}

export type { GitLabOptions } from './gitlab-request.ts';

export function createGitLab(connection: GitLabOptions): GitLab {
  const options = requestOptions(connection);
  const projects = new Projects(options);
  const files = new RepositoryFiles(options);
  const commits = new Commits(options);
  // The time-out of gitbeaker would cut long transfers; builds have a limit of their own.
  const archives = new Repositories({ ...options, queryTimeout: 0 });

  return {
    ...createGitLabRepository(connection),
    ...createGitLabRefs(connection),
    ...createGitLabCommits(connection),
    async version() {
      const answer = await asking('its version', () => new Metadata(options).show());
      return versionSchema.parse(answer).version;
    },
    async project(id) {
      return toProject(await asking(`project ${id}`, () => projects.show(id)));
    },
    async findProject(idOrPath) {
      const found = await asking(`project ${idOrPath}`, () => projects.show(idOrPath)).catch(
        absent,
      );
      return found === undefined ? undefined : toProject(found);
    },
    async file(project, path, sha) {
      const found = await asking(`${path} at ${shortSha(sha)}`, () =>
        files.show(project, path, sha),
      ).catch(absent);
      if (found === undefined) return undefined;
      const { content, encoding } = fileSchema.parse(found);
      return Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
    },
    async archive(project, { sha, path, format = 'tar' }) {
      const what = path ? `the folder ${path} at` : 'the archive of';
      const stream = await asking(`${what} ${shortSha(sha)}`, () =>
        archives.showArchive(project, {
          fileType: format,
          sha,
          ...(path ? { path } : {}),
          asStream: true,
        }),
      );
      return Readable.fromWeb(stream as unknown as ReadableStream<Uint8Array>);
    },
    postStatus: (status) => postStatus(commits, status),
  };
}

function toProject(answer: unknown): Project {
  const project = projectSchema.parse(answer);
  return {
    id: project.id,
    path: project.path_with_namespace,
    webUrl: project.web_url,
    defaultBranch: project.default_branch ?? undefined,
    readers: readersOf(project),
  };
}

/** A project that everybody sees may keep its code to its members all the same. */
function readersOf(project: z.output<typeof projectSchema>): CodeReaders {
  if (project.repository_access_level !== 'enabled') return 'members';
  if (project.visibility === 'public') return 'everyone';
  return project.visibility === 'internal' ? 'users' : 'members';
}

async function postStatus(
  commits: Commits,
  status: StatusPost,
): Promise<{ pipeline: number | undefined }> {
  try {
    const answer = await asking(`status ${status.name}`, () =>
      commits.editStatus(status.project, status.sha, status.state as 'pending', {
        name: status.name,
        ref: status.ref,
        targetUrl: status.targetUrl.slice(0, statusTextLimit),
        description: shorten(status.description, statusTextLimit),
        ...(status.pipeline === undefined ? {} : { pipelineId: status.pipeline }),
      }),
    );
    return { pipeline: statusSchema.parse(answer).pipeline_id };
  } catch (error) {
    // Old versions refuse to say the same state twice, and none goes back to an earlier one.
    const isStep = status.state === 'pending' || status.state === 'running';
    const refused = messageOf(error).includes('Cannot transition status');
    if (isStep && refused) return { pipeline: status.pipeline };
    throw error;
  }
}
