/** Lets several steps of a build look at the same part of its commit for one question to GitLab. */
import type { GitLab } from '../clients/gitlab.ts';

/** What a commit holds never changes, so answers are kept as long as what is returned; failures are not. */
export function askingOnce(gitlab: GitLab): GitLab {
  return { ...gitlab, tree: once(gitlab.tree), file: once(gitlab.file) };
}

function once<Question extends unknown[], Answer>(ask: (...asked: Question) => Promise<Answer>) {
  const answers = new Map<string, Promise<Answer>>();
  return (...asked: Question): Promise<Answer> => {
    const key = JSON.stringify(asked);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = ask(...asked);
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    return answer;
  };
}
