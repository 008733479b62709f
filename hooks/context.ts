/** What a hook is given, and what it answers. */
import type { Receipt } from '../src/core/arrival.ts';
import type { Arrival } from '../src/core/event.ts';
import type { Decision, Delivery } from '../src/core/hook.ts';
import type { Ekiden } from '../src/ekiden.ts';

export interface HookContext {
  /** The body as GitLab sent it, not checked yet. */
  payload: unknown;
  delivery: Delivery;
  /** Hands work in; the same key is let in once in 24 hours. */
  accept: (arrival: Arrival, key: string) => Promise<Receipt>;
  ekiden: Pick<Ekiden, 'newBuildId' | 'takesTag'>;
}

/** What Ekiden does about one kind of event. */
export interface Hook {
  /** GitLab's `object_kind`. */
  event: string;
  handle(context: HookContext): Promise<Decision>;
}

/** Words the receipt of something handed in. */
export function toDecision({ outcome, build }: Receipt, reason: string): Decision {
  const ofBuild = build === undefined ? {} : { build };
  if (outcome === 'duplicate') {
    return { decision: 'duplicate', reason: 'this push is known already', ...ofBuild };
  }
  const later = outcome === 'spooled' ? '; the queue is away, it will follow' : '';
  return { decision: 'queued', reason: `${reason}${later}`, ...ofBuild };
}
