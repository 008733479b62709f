/** Plain pages for people who follow a link: a project, and a commit with its statuses. */
import type { Request, Response } from 'express';
import type { GitLab } from './core.ts';
import { branches, log, readCommit, resolveCommit } from './repository.ts';
import { findProject, type Project } from './state.ts';

/** Answers `/group/project` and `/group/project/-/commit/:sha`; anything else is not found. */
export async function servePage(gitlab: GitLab, request: Request, response: Response) {
  const path = decodeURIComponent(request.path).replace(/^\/|\/$/g, '');
  const [projectPath = '', rest = ''] = path.split('/-/');
  const project = findProject(gitlab.state, projectPath);
  const sha = /^commit\/([0-9a-f]+)$/.exec(rest)?.[1];
  const html =
    project === undefined
      ? undefined
      : sha === undefined
        ? await projectPage(gitlab, project)
        : await commitPage(gitlab, project, sha);
  if (html === undefined) response.status(404).type('html').send(page('Page not found', ''));
  else response.type('html').send(html);
}

async function projectPage(gitlab: GitLab, project: Project): Promise<string> {
  const repo = gitlab.repo(project);
  const head = (await branches(repo)).get(project.defaultBranch);
  const commits = head === undefined ? [] : await log(repo, ['--max-count=20', head]);
  const items = commits.map(
    ({ id, title }) =>
      `<li><a href="/${escapeHtml(project.fullPath)}/-/commit/${id}">${id.slice(0, 8)}</a> ${escapeHtml(title)}</li>`,
  );
  return page(project.fullPath, `<ul>${items.join('')}</ul>`);
}

async function commitPage(
  gitlab: GitLab,
  project: Project,
  short: string,
): Promise<string | undefined> {
  const repo = gitlab.repo(project);
  const sha = await resolveCommit(repo, short);
  if (sha === undefined) return undefined;
  const { title } = await readCommit(repo, sha);
  const rows = project.statuses.rows.filter((row) => row.sha === sha && !row.retried);
  const cells = rows.map(({ name, status, description, targetUrl }) => {
    const label =
      targetUrl === null
        ? escapeHtml(name)
        : `<a href="${escapeHtml(targetUrl)}">${escapeHtml(name)}</a>`;
    return `<tr><td>${label}</td><td>${status}</td><td>${escapeHtml(description ?? '')}</td></tr>`;
  });
  return page(
    `${project.fullPath} ${sha.slice(0, 8)}`,
    `<p>${escapeHtml(title)}</p><table>${cells.join('')}</table>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title><h1>${escapeHtml(title)}</h1>${body}\n`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
