/** A branch was pushed: build its head. A branch was deleted: clean up what it had. */
import { z } from 'zod';
import { type Decision, isNoCommit } from '../src/core/hook.ts';
import { type Hook, type HookContext, toDecision } from './context.ts';
import { keyOf } from './key.ts';
import {
  actorOf,
  hint,
  ignored,
  ignoredShape,
  isSkipped,
  pusher,
  pushOptions,
  refBelow,
  sha,
} from './payload.ts';

const payloadSchema = z.object({
  project_id: z.int().positive(),
  ...pusher,
  ref: refBelow('refs/heads/'),
  before: sha,
  after: sha,
  commits: hint(z.array(z.object({ message: z.string().nullish() }))),
  push_options: pushOptions,
});

export const push: Hook = {
  event: 'push',
  async handle(context): Promise<Decision> {
    const parsed = payloadSchema.safeParse(context.payload);
    if (!parsed.success) return ignoredShape('push', parsed.error);
    const { project_id: project, ref, before, after, push_options: options } = parsed.data;
    const branch = ref.slice('refs/heads/'.length);
    const key = keyOf(context.delivery, { project, ref, before, after });
    if (isNoCommit(after)) {
      const receipt = await context.accept({ type: 'ref.deleted', project, ref }, key);
      return toDecision(receipt, `${branch} was deleted: what it had is cleaned up`);
    }
    if (isSkipped(options)) return ignored('pushed with the option ci.skip');
    const marker = skipMarker(parsed.data.commits?.at(-1)?.message);
    if (marker) return ignored(`the last commit says ${marker}`);
    const by = actorOf(parsed.data);
    return request(context, { project, ref, before, sha: after, key, ...by });
  },
};

interface Wanted {
  project: number;
  ref: string;
  before: string;
  sha: string;
  key: string;
  actor?: number;
}

/** Asks for a build of `sha`, or of whatever the head is when its turn comes. */
async function request({ accept, delivery, ekiden }: HookContext, wanted: Wanted) {
  const { key, ...commit } = wanted;
  const receipt = await accept(
    {
      type: 'push.received',
      cause: 'hook',
      build: ekiden.newBuildId(),
      ...commit,
      receivedAt: delivery.receivedAt,
      acceptedAt: Date.now(),
    },
    key,
  );
  return toDecision(receipt, `${wanted.sha.slice(0, 12)} is to be built`);
}

/** The same words that keep GitLab's own pipelines from running. */
function skipMarker(message: string | null | undefined): string | undefined {
  return /\[(?:ci[ -]skip|skip[ -]ci|no ci)\]/i.exec(message ?? '')?.[0];
}
