/** Remembers answers for a while: one question at a time, and old answers while nobody can be asked. */
import { LRUCache } from 'lru-cache';
import { AccessError, RemoteError } from '../core/errors.ts';

export interface RememberedOptions<Question, Answer> {
  ask(question: Question): Promise<Answer>;
  /** What the answer is kept under. */
  keyOf(question: Question): string;
  /** True for an answer that says no, which may change soon. */
  isNo?(answer: Answer): boolean;
  /** Milliseconds for which an old answer does while nobody can be asked. */
  whileAway?: number;
  /** Milliseconds, from any start above 0. */
  now?: (() => number) | undefined;
}

/** Milliseconds. */
const life = 60_000;
const lifeOfNo = 5_000;
/** How long nobody asks again after nobody could be asked. */
const pause = 5_000;

/** Answers kept at a time; each is well below a kilobyte. */
const most = 10_000;

type Kept<Answer> = { at: number; answer: Answer } | { at: number; refusal: AccessError };

/** `ask`, with its answers and refusals remembered. */
export function remembered<Question, Answer>({
  ask,
  keyOf,
  isNo = () => false,
  whileAway = 0,
  now = () => performance.now(),
}: RememberedOptions<Question, Answer>): (question: Question) => Promise<Answer> {
  const cache = new LRUCache<string, Kept<Answer>, { question: Question }>({
    max: most,
    ttl: life,
    ttlResolution: 0,
    perf: { now },
    fetchMethod: async (_key, old, { context, options }) => {
      const at = now();
      try {
        const answer = await ask(context.question);
        if (isNo(answer)) options.ttl = lifeOfNo;
        return { at, answer };
      } catch (error) {
        if (error instanceof AccessError) {
          options.ttl = lifeOfNo;
          return { at, refusal: error };
        }
        const isAway = error instanceof RemoteError && error.retryable;
        if (!isAway || !old || 'refusal' in old || at - old.at > whileAway) throw error;
        options.ttl = pause;
        return old;
      }
    },
  });
  return async (question) => {
    const kept = await cache.forceFetch(keyOf(question), { context: { question } });
    if ('refusal' in kept) throw kept.refusal;
    return kept.answer;
  };
}
