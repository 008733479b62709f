/** Checks the project of GitLab whose tags are versions of templates. */
import { z } from 'zod';
import { type Check, failed, fine, type Outcome, skipped, warned } from './check.ts';
import type { WhenReached } from './gitlab.ts';
import type { Answer, AskGitLab } from './gitlab-client.ts';

export interface TemplatesCheckOptions {
  ask: AskGitLab;
  /** `group/name`, as EKIDEN_TEMPLATES_PROJECT has it. */
  project: string;
}

const tagsSchema = z.array(z.object({ name: z.string() }));

export function checkTemplates(
  { ask, project }: TemplatesCheckOptions,
  whenReached: WhenReached,
): Check {
  const tags = `/projects/${encodeURIComponent(project)}/repository/tags?per_page=100`;
  return {
    name: 'Templates',
    run: whenReached(async () => judgeTemplates(project, await ask(tags))),
  };
}

function judgeTemplates(project: string, { status, body }: Answer): Outcome {
  if (status === 401) return skipped('GitLab refuses the token');
  const tags = tagsSchema.safeParse(body).data;
  if (tags === undefined) {
    return failed(
      `the tags of ${project} cannot be seen (HTTP ${status}), so no build with a template works`,
      'See that EKIDEN_TEMPLATES_PROJECT exists, and that the user of GITLAB_TOKEN is Reporter there.',
    );
  }
  const names = new Set(tags.flatMap(({ name }) => /^(.+)\/[^/]+$/.exec(name)?.[1] ?? []));
  if (names.size > 0) return fine(`${project} has versions of ${[...names].sort().join(', ')}`);
  return warned(
    `${project} has no tag such as node/20.1.0, so all templates are those delivered`,
    'Publish one, or unset EKIDEN_TEMPLATES_PROJECT.',
  );
}
