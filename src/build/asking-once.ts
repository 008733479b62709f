/** Lets several steps of a build look at the same part of its commit for one question to GitLab. */
import type { GitLab } from '../clients/gitlab.ts';
import { createOnce } from '../core/once.ts';

/** What a commit holds never changes, so answers are kept as long as what is returned. */
export function askingOnce(gitlab: GitLab): GitLab {
  return { ...gitlab, tree: onceEach(gitlab.tree), file: onceEach(gitlab.file) };
}

function onceEach<Question extends unknown[], Answer>(
  ask: (...question: Question) => Promise<Answer>,
) {
  const once = createOnce();
  return (...question: Question) => once(JSON.stringify(question), () => ask(...question));
}
