/** Does the same work once for all who want what comes of it. */

/** Answers what the work of this key came to before, or comes to now; a failure is forgotten. */
export type Once = <Answer>(key: string, work: () => Promise<Answer>) => Promise<Answer>;

/** Keeps answers as long as what is returned. */
export function createOnce(): Once {
  const known = new Map<string, Promise<unknown>>();
  return <Answer>(key: string, work: () => Promise<Answer>) => {
    const before = known.get(key) as Promise<Answer> | undefined;
    if (before !== undefined) return before;
    const answer = work();
    known.set(key, answer);
    answer.catch(() => known.delete(key));
    return answer;
  };
}
