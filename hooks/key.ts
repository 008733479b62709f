/** Tells a repeated delivery from a new one. */
import type { Delivery } from '../src/core/hook.ts';

/** What names a push where GitLab (before 17.4) sends no key. */
export interface PushName {
  project: number;
  ref: string;
  before: string;
  after: string;
}

/** GitLab's Idempotency-Key where there is one, else project, ref, before and after. */
export function keyOf(delivery: Delivery, { project, ref, before, after }: PushName): string {
  return delivery.idempotent ? `key ${delivery.id}` : `push ${project} ${ref} ${before} ${after}`;
}
