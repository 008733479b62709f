/** Routes that hand out files of a repository at a commit. */
import { createHash } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import { type Blob, findBlob, inRepo, readBlob } from '../repository.ts';
import { type Asker, asker, commitOf, notFound, parameters, segment } from './http.ts';

export function fileRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects/:id/repository/files/:path/raw', async (request, response) => {
    const { ref } = parameters(request, z.object({ ref: z.string().optional() }));
    const { found, sha, blob } = await find(gitlab, request, ref);
    const content = await readBlob(found.repo, blob.id);
    setMetadata(response, await describe(found, { sha, blob, content, ref: ref ?? sha }));
    response.set({
      'Cache-Control': 'no-store, no-cache',
      'Content-Disposition': 'inline',
      'Content-Type': content.includes(0)
        ? 'application/octet-stream'
        : 'text/plain; charset=utf-8',
    });
    response.send(content);
  });
  routes.get('/projects/:id/repository/files/:path', async (request, response) => {
    const { ref } = parameters(request, z.object({ ref: z.string().min(1) }));
    const { found, sha, blob } = await find(gitlab, request, ref);
    const content = await readBlob(found.repo, blob.id);
    const data = await describe(found, { sha, blob, content, ref });
    setMetadata(response, data);
    response.json({ ...data, content: content.toString('base64') });
  });
  return routes;
}

async function find(gitlab: GitLab, request: Request, ref: string | undefined) {
  const found = asker(gitlab, request);
  const sha = await commitOf(found, ref);
  const blob = await findBlob(found.repo, sha, segment(request, 'path').replace(/^\//, ''));
  if (blob === undefined) throw notFound('File');
  return { found, sha, blob };
}

async function describe(
  found: Asker,
  file: { sha: string; blob: Blob; content: Buffer; ref: string },
): Promise<Record<string, string | number | boolean>> {
  const { sha, blob, content, ref } = file;
  const last = ['--literal-pathspecs', 'log', '-1', '--format=%H', sha, '--', blob.path];
  return {
    file_name: blob.path.split('/').pop() ?? '',
    file_path: blob.path,
    size: content.length,
    encoding: 'base64',
    content_sha256: createHash('sha256').update(content).digest('hex'),
    ref,
    blob_id: blob.id,
    commit_id: sha,
    last_commit_id: await inRepo(found.repo, last),
    execute_filemode: blob.mode === '100755',
  };
}

/** `file_name` goes out as X-Gitlab-File-Name, and so on. */
function setMetadata(response: Response, data: Record<string, string | number | boolean>): void {
  for (const [key, value] of Object.entries(data)) {
    const words = key.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    response.set(`X-Gitlab-${words.join('-')}`, encodeURI(String(value)));
  }
}
