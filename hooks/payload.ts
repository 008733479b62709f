/** The shapes that the bodies of several events share. */
import { z } from 'zod';
import type { Decision } from '../src/core/hook.ts';

/** Git's name of an object, or the zeros for none: 40 digits, 64 in SHA-256 repositories. */
export const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'is no name of a commit');

/** A full ref below `folder`; git allows neither blanks nor control characters in its name. */
export function refBelow(folder: 'refs/heads/' | 'refs/tags/') {
  const pattern = new RegExp(`^${folder}[^ \\p{Cc}]{1,1000}$`, 'u');
  return z.string().regex(pattern, `does not begin with ${folder}, or is too long`);
}

/** What is not used for anything but a hint may have any shape. */
export function hint<T extends z.ZodType>(type: T) {
  return type.optional().catch(undefined as z.output<T>);
}

/** What `git push -o` gave; of any shape, since only one of them matters here. */
export const pushOptions = hint(z.looseObject({ ci: z.looseObject({}).optional() }));

/** True for a push that shall run nothing, as GitLab's own pipelines read the option. */
export function isSkipped(options: z.output<typeof pushOptions>): boolean {
  return options?.ci !== undefined && 'skip' in options.ci;
}

/** Whose push it was, as the payload tells it. */
export const pusher = {
  user_id: hint(z.int().positive()),
  user_username: hint(z.string().min(1).max(255)),
};

/** Id and name of whose push it was, where the payload says so. */
export function actorOf({ user_id: actor, user_username: by }: Pusher): Partial<Actor> {
  return { ...(actor === undefined ? {} : { actor }), ...(by === undefined ? {} : { by }) };
}

interface Pusher {
  user_id?: number | undefined;
  user_username?: string | undefined;
}

interface Actor {
  actor: number;
  by: string;
}

export function ignored(reason: string): Decision {
  return { decision: 'ignored', reason };
}

/** Names the field by which the body is not what the event promises. */
export function ignoredShape(what: string, { issues: [issue] }: z.ZodError): Decision {
  const where = issue?.path.join('.') || 'it';
  return ignored(`the body is no ${what}: ${where}: ${issue?.message ?? 'has an unknown shape'}`);
}
