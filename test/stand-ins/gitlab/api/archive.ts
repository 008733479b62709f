/** The archive of a repository at a commit, streamed from `git archive`, with GitLab's strict limit. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import type { Fault } from '../faults.ts';
import { maybe, type Repo, resolveCommit, tree } from '../repository.ts';
import { ApiError, type Asker, asker, notFound, parameters, segment } from './http.ts';

const FORMATS: Record<string, string> = {
  tar: 'tar',
  'tar.gz': 'tar.gz',
  tgz: 'tar.gz',
  zip: 'zip',
};

const archiveParameters = z.object({
  sha: z.string().optional(),
  path: z.string().optional(),
  exclude_paths: z.string().optional(),
});

export function archiveRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const limiter = createLimiter(gitlab);
  const handle = async (request: Request, response: Response) => {
    const found = asker(gitlab, request);
    if (limiter.throttles(`${found.user.id} ${found.project.id}`)) {
      const error = 'This archive has been requested too many times. Try again later.';
      throw new ApiError(429, { message: { error } });
    }
    await sendArchive(gitlab, found, request, response);
  };
  routes.get('/projects/:id/repository/archive', handle);
  routes.get('/projects/:id/repository/archive.:format', handle);
  return routes;
}

/** Counts in whole minutes of the clock, as GitLab's application limits do. */
function createLimiter(gitlab: GitLab): { throttles(key: string): boolean } {
  let minute = -1;
  let counts = new Map<string, number>();
  return {
    throttles: (key) => {
      const limit = gitlab.options.archivesPerMinute;
      const current = Math.floor(gitlab.now() / 60_000);
      if (current !== minute) counts = new Map();
      minute = current;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return limit > 0 && (counts.get(key) ?? 0) > limit;
    },
  };
}

/** The name of the file and of the one folder in it: project, ref, sha and path, joined by `-`. */
export function archiveName(options: {
  projectPath: string;
  ref: string;
  sha: string;
  path?: string | undefined;
}): string {
  const dashed = (text: string) => text.replaceAll('/', '-');
  const name = options.projectPath.split('/').at(-1) ?? '';
  const parts = [name, dashed(options.ref), options.sha];
  if (options.path) parts.push(dashed(options.path));
  return parts.join('-');
}

async function sendArchive(
  gitlab: GitLab,
  found: Asker,
  request: Request,
  response: Response,
): Promise<void> {
  const format = FORMATS[segment(request, 'format') || 'tar.gz'];
  const asked = parameters(request, archiveParameters);
  const ref = asked.sha ?? found.project.defaultBranch;
  const sha = await resolveCommit(found.repo, ref);
  if (format === undefined || sha === undefined) throw notFound('File');
  const path = asked.path?.replace(/\/+$/, '');
  if (path && !(await exists(found.repo, sha, path))) throw notFound('File');
  const name = archiveName({ projectPath: found.project.fullPath, ref, sha, path: asked.path });
  const excluded = (asked.exclude_paths ?? '').split(',').filter((part) => part !== '');
  const paths = [path || '.', ...excluded.map((part) => `:(exclude)${part}`)];
  const args = ['archive', `--format=${format}`, `--prefix=${name}/`, sha, '--', ...paths];
  const child = gitlab.git.spawn(['-C', found.project.dir, ...args]);
  child.stderr.resume();
  child.stdin.end();
  response.once('close', () => child.kill());
  response.set({
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${name}.${format}"`,
  });
  const fault = response.locals['fault'] as Fault | undefined;
  if (fault?.afterBytes !== undefined) await sendPart(child.stdout, response, fault);
  else await pipeline(child.stdout, response).catch(() => response.destroy());
}

/** Sends so many bytes and then ends, well-mannered or not: what a client must notice. */
async function sendPart(source: Readable, response: Response, fault: Fault): Promise<void> {
  let left = fault.afterBytes ?? 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    await new Promise<void>((resolve) => response.write(part, () => resolve()));
    if (left === 0) break;
  }
  if (fault.reset === true) response.destroy();
  else response.end();
}

async function exists(repo: Repo, sha: string, path: string): Promise<boolean> {
  const folder = await tree(repo, { sha, path, recursive: false });
  if (folder !== undefined) return true;
  const object = repo.git.text(['-C', repo.dir, 'cat-file', '-e', `${sha}:${path}`]);
  return (await maybe(object)) !== undefined;
}
