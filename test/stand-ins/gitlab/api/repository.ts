/** Routes that read a repository: branches, tags, commits, trees and comparisons. */
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import {
  branches,
  inRepo,
  log,
  maybe,
  readCommit,
  resolveCommit,
  tags,
  tree,
} from '../repository.ts';
import type { Project } from '../state.ts';
import { findPipeline, pipelineState } from '../statuses.ts';
import { branchEntity, commitEntity, pipelineEntity, projectUrl, tagEntity } from './entities.ts';
import {
  ApiError,
  asker,
  commitOf,
  flag,
  notFound,
  parameters,
  segment,
  sendPage,
} from './http.ts';

export function repositoryRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects/:id/repository/branches', listBranches(gitlab));
  routes.get('/projects/:id/repository/branches/:name', showBranch(gitlab));
  routes.get('/projects/:id/repository/tags', listTags(gitlab));
  routes.get('/projects/:id/repository/tags/:name', showTag(gitlab));
  routes.get('/projects/:id/repository/commits', listCommits(gitlab));
  routes.get('/projects/:id/repository/commits/:sha', showCommit(gitlab));
  routes.get('/projects/:id/repository/tree', listTree(gitlab));
  routes.get('/projects/:id/repository/merge_base', mergeBase(gitlab));
  routes.get('/projects/:id/repository/compare', compare(gitlab));
  return routes;
}

type Handler = (request: Request, response: Response) => Promise<void>;

/** What a reader sees of a branch: for a while after a push perhaps what was there before. */
function seenHead(gitlab: GitLab, project: Project, name: string, head: string | undefined) {
  const stale = project.staleBranches.get(name);
  if (stale === undefined) return head;
  if (stale.until > gitlab.now()) return stale.sha ?? undefined;
  project.staleBranches.delete(name);
  return head;
}

const listBranches =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const { project, repo } = asker(gitlab, request);
    const { search = '' } = parameters(request, z.object({ search: z.string().optional() }));
    const heads = [...(await branches(repo))].flatMap(([name, head]) => {
      const sha = seenHead(gitlab, project, name, head);
      return sha !== undefined && name.includes(search) ? [{ name, sha }] : [];
    });
    const found = await Promise.all(
      heads.map(async ({ name, sha }) => ({ name, commit: await readCommit(repo, sha) })),
    );
    sendPage(request, response, found, ({ name, commit }) =>
      branchEntity(gitlab, project, name, commit),
    );
  };

const showBranch =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const { project, repo } = asker(gitlab, request);
    const name = segment(request, 'name');
    const sha = seenHead(gitlab, project, name, (await branches(repo)).get(name));
    if (sha === undefined) throw notFound('Branch');
    response.json(branchEntity(gitlab, project, name, await readCommit(repo, sha)));
  };

const listTags =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const { project, repo } = asker(gitlab, request);
    const { search = '' } = parameters(request, z.object({ search: z.string().optional() }));
    const wanted = (await tags(repo)).filter(({ name }) => fitsSearch(name, search));
    const found = await Promise.all(
      wanted.map(async (tag) => ({ tag, commit: await readCommit(repo, tag.commit) })),
    );
    sendPage(request, response, found, ({ tag, commit }) =>
      tagEntity(gitlab, project, tag, commit),
    );
  };

/** `^` at the front asks for names that begin so, `$` at the end for names that end so. */
function fitsSearch(name: string, search: string): boolean {
  const text = search.replace(/^\^|\$$/g, '').toLowerCase();
  const lower = name.toLowerCase();
  if (search.startsWith('^') && !lower.startsWith(text)) return false;
  return search.endsWith('$') ? lower.endsWith(text) : lower.includes(text);
}

const showTag =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const { project, repo } = asker(gitlab, request);
    const name = segment(request, 'name');
    const tag = (await tags(repo)).find((candidate) => candidate.name === name);
    if (tag === undefined) throw notFound('Tag');
    response.json(tagEntity(gitlab, project, tag, await readCommit(repo, tag.commit)));
  };

const listCommits =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const found = asker(gitlab, request);
    const { ref_name } = parameters(request, z.object({ ref_name: z.string().optional() }));
    const sha = await commitOf(found, ref_name);
    // A thousand is ten of GitLab's largest pages: enough for a stand-in.
    const commits = await log(found.repo, ['--max-count=1000', sha]);
    sendPage(request, response, commits, (commit) => commitEntity(gitlab, found.project, commit));
  };

const showCommit =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const found = asker(gitlab, request);
    const sha = await commitOf(found, segment(request, 'sha'));
    const pipeline = findPipeline(found.project.statuses, { sha });
    response.json({
      ...commitEntity(gitlab, found.project, await readCommit(found.repo, sha)),
      stats: await lineStats(found.repo, sha),
      status: pipeline === undefined ? null : pipelineState(found.project.statuses, pipeline),
      project_id: found.project.id,
      last_pipeline:
        pipeline === undefined ? null : pipelineEntity(gitlab, found.project, pipeline),
    });
  };

async function lineStats(repo: Parameters<typeof log>[0], sha: string) {
  const out = await inRepo(repo, ['show', '--numstat', '--format=', '--first-parent', '-m', sha]);
  let additions = 0;
  let deletions = 0;
  for (const line of out.split('\n')) {
    const [added = '', deleted = ''] = line.split('\t');
    additions += Number.parseInt(added, 10) || 0;
    deletions += Number.parseInt(deleted, 10) || 0;
  }
  return { additions, deletions, total: additions + deletions };
}

const treeParameters = z.object({
  ref: z.string().optional(),
  path: z.string().default(''),
  recursive: flag.default(false),
  pagination: z.enum(['legacy', 'keyset', 'none']).default('legacy'),
  page_token: z.string().optional(),
  per_page: z.coerce.number().int().min(1).default(20),
});

const listTree =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const found = asker(gitlab, request);
    const { ref, path, recursive, ...paging } = parameters(request, treeParameters);
    const sha = await resolveCommit(found.repo, ref ?? found.project.defaultBranch);
    if (sha === undefined) throw notFound('Tree');
    const entries = await tree(found.repo, { sha, path, recursive });
    if (entries === undefined) throw notFound('invalid revision or path');
    if (paging.pagination === 'none' && recursive) response.json(entries);
    else if (paging.pagination !== 'keyset') sendPage(request, response, entries, (entry) => entry);
    else {
      const start = entries.findIndex(({ id }) => id === paging.page_token) + 1;
      const page = entries.slice(start, start + Math.min(paging.per_page, 100));
      const last = page.at(-1);
      if (last !== undefined && start + page.length < entries.length) {
        const next = new URL(request.originalUrl, gitlab.instance().url);
        next.searchParams.set('page_token', last.id);
        response.set('Link', `<${next.href}>; rel="next"`);
      }
      response.json(page);
    }
  };

const mergeBase =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const found = asker(gitlab, request);
    const given = request.query['refs[]'] ?? request.query['refs'] ?? [];
    const refs = (Array.isArray(given) ? given : String(given).split(',')).map(String);
    if (refs.length < 2) throw new ApiError(400, { message: 'Provide at least 2 refs' });
    const shas = await Promise.all(refs.map((ref) => resolveCommit(found.repo, ref)));
    const unknown = refs.filter((_, index) => shas[index] === undefined);
    if (unknown.length > 0) {
      const noun = unknown.length === 1 ? 'ref' : 'refs';
      throw new ApiError(400, { message: `Could not find ${noun}: ${unknown.join(', ')}` });
    }
    const known = shas.filter((sha) => sha !== undefined);
    const base = await maybe(inRepo(found.repo, ['merge-base', ...known]));
    if (base === undefined) throw notFound('Merge Base');
    response.json(commitEntity(gitlab, found.project, await readCommit(found.repo, base)));
  };

const compareParameters = z.object({
  from: z.string(),
  to: z.string(),
  straight: flag.default(false),
});

const compare =
  (gitlab: GitLab): Handler =>
  async (request, response) => {
    const { project, repo } = asker(gitlab, request);
    const asked = parameters(request, compareParameters);
    const from = await resolveCommit(repo, asked.from);
    const to = await resolveCommit(repo, asked.to);
    if (from === undefined || to === undefined) throw notFound('Ref');
    const commits = await log(repo, ['--reverse', `${from}..${to}`]);
    const shown = commits.map((commit) => commitEntity(gitlab, project, commit));
    response.json({
      commit: shown.at(-1) ?? null,
      commits: shown,
      diffs: await diffs(repo, from, to, asked.straight),
      compare_timeout: false,
      compare_same_ref: from === to,
      web_url: `${projectUrl(gitlab, project)}/-/compare/${asked.from}...${asked.to}`,
    });
  };

/** One entry a changed file, with its text; without `straight` since the common ancestor. */
async function diffs(repo: Parameters<typeof log>[0], from: string, to: string, straight: boolean) {
  const range = straight ? [from, to] : [`${from}...${to}`];
  const raw = await inRepo(repo, ['diff', '--raw', '-z', '-M', '--no-abbrev', ...range]);
  const words = raw.split('\0');
  const found: Record<string, unknown>[] = [];
  for (let i = 0; i + 1 < words.length; ) {
    const [aMode = '', bMode = '', , , kind = ''] = (words[i] ?? '').slice(1).split(' ');
    const oldPath = words[i + 1] ?? '';
    const renamed = kind.startsWith('R');
    const newPath = renamed ? (words[i + 2] ?? '') : oldPath;
    const text = await inRepo(repo, ['diff', '-M', ...range, '--', oldPath, newPath]);
    const hunks = text.indexOf('@@');
    found.push({
      diff: hunks === -1 ? '' : `${text.slice(hunks)}\n`,
      collapsed: false,
      too_large: false,
      new_path: newPath,
      old_path: oldPath,
      a_mode: aMode.replace(/^000000$/, '0'),
      b_mode: bMode.replace(/^000000$/, '0'),
      new_file: kind === 'A',
      renamed_file: renamed,
      deleted_file: kind === 'D',
      generated_file: null,
    });
    i += renamed ? 3 : 2;
  }
  return found;
}
