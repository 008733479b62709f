/** A tag was pushed: build its commit, where the manifest sends the tag somewhere. */
import { z } from 'zod';
import { type Decision, isNoCommit } from '../src/core/hook.ts';
import { type Hook, toDecision } from './context.ts';
import { keyOf } from './key.ts';

const payloadSchema = z.object({
  project_id: z.number(),
  ref: z.string().startsWith('refs/tags/').max(1_000),
  before: z.string(),
  after: z.string(),
  // Of an annotated tag `after` is the tag object; the commit stands here.
  checkout_sha: z.string().nullish(),
});

export const tagPush: Hook = {
  event: 'tag_push',
  async handle({ payload, delivery, accept, ekiden }): Promise<Decision> {
    const parsed = payloadSchema.safeParse(payload);
    if (!parsed.success) return { decision: 'ignored', reason: 'the body is no tag push' };
    const { project_id: project, ref, before, after, checkout_sha: commit } = parsed.data;
    const tag = ref.slice('refs/tags/'.length);
    const key = keyOf(delivery, { project, ref, before, after });
    if (isNoCommit(after)) {
      const receipt = await accept({ type: 'ref.deleted', project, ref }, key);
      return toDecision(receipt, `tag ${tag} was deleted: what it had is cleaned up`);
    }
    const sha = commit ?? after;
    if ((await ekiden.takesTag({ project, sha, tag })) === false) {
      return { decision: 'ignored', reason: `no environment of the manifest takes the tag ${tag}` };
    }
    const { receivedAt } = delivery;
    const times = { receivedAt, acceptedAt: Date.now() };
    const build = ekiden.newBuildId();
    const receipt = await accept(
      { type: 'push.received', cause: 'hook', build, project, ref, before, sha, ...times },
      key,
    );
    return toDecision(receipt, `tag ${tag} is to be built, if the manifest sends it anywhere`);
  },
};
