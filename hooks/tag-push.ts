/** A tag was pushed: build its commit, where the manifest sends the tag somewhere. */
import { z } from 'zod';
import { type Decision, isNoCommit } from '../src/core/hook.ts';
import { type Hook, toDecision } from './context.ts';
import { keyOf } from './key.ts';
import {
  actorOf,
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
  ref: refBelow('refs/tags/'),
  before: sha,
  after: sha,
  // Of an annotated tag `after` is the tag object; the commit stands here.
  checkout_sha: sha.nullish(),
  push_options: pushOptions,
});

export const tagPush: Hook = {
  event: 'tag_push',
  async handle({ payload, delivery, accept, ekiden }): Promise<Decision> {
    const parsed = payloadSchema.safeParse(payload);
    if (!parsed.success) return ignoredShape('tag push', parsed.error);
    const { project_id: project, ref, before, after, checkout_sha: commit } = parsed.data;
    const tag = ref.slice('refs/tags/'.length);
    const key = keyOf(delivery, { project, ref, before, after });
    if (isNoCommit(after)) {
      const receipt = await accept({ type: 'ref.deleted', project, ref }, key);
      return toDecision(receipt, `tag ${tag} was deleted: what it had is cleaned up`);
    }
    if (isSkipped(parsed.data.push_options)) return ignored('pushed with the option ci.skip');
    const pushed = { project, sha: commit ?? after, ...actorOf(parsed.data) };
    if ((await ekiden.takesTag({ ...pushed, tag })) === false) {
      return ignored(`no environment of the manifest takes the tag ${tag}`);
    }
    const { receivedAt } = delivery;
    const times = { receivedAt, acceptedAt: Date.now() };
    const build = ekiden.newBuildId();
    const receipt = await accept(
      { type: 'push.received', cause: 'hook', build, ref, before, ...pushed, ...times },
      key,
    );
    return toDecision(receipt, `tag ${tag} is to be built, if the manifest sends it anywhere`);
  },
};
