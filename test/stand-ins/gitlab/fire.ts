/** Hands an event to every hook of a project that wants it. */
import { randomUUID } from 'node:crypto';
import type { GitLab } from './core.ts';
import type { Hook } from './hooks.ts';
import type { Project } from './state.ts';

export interface Firing {
  project: Project;
  /** Such as `push_hooks`. */
  trigger: string;
  wanted: (hook: Hook) => boolean;
  body: Record<string, unknown>;
}

/** The event has one id for all hooks, and each delivery one of its own. */
export function fire(gitlab: GitLab, firing: Firing): void {
  const body = JSON.stringify(firing.body);
  const eventUuid = randomUUID();
  for (const hook of firing.project.hooks.filter(firing.wanted)) {
    const idempotencyKey = randomUUID();
    gitlab.deliver({ hook, trigger: firing.trigger, body, eventUuid, idempotencyKey });
  }
}
