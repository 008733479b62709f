/** The role watch: keeps GitLab's view of the journey true, and the evidence of what fails. */
import { messageOf } from '../src/core/errors.ts';
import type { Ekiden } from '../src/ekiden.ts';
import type { Runner } from './runner.ts';

const postAtOnce = 8;

/** A status that GitLab was away for is tried again for ever, this often in milliseconds. */
const sweepEvery = 120_000;

export async function startWatch(ekiden: Ekiden): Promise<Runner> {
  const { queues, statuses, log } = ekiden;
  const posting = queues.statuses.work(
    // Once GitLab has been away, the states in between are no news any more.
    (work, { first }) => statuses.post(work, { onlyLast: !first }),
    { concurrency: postAtOnce },
  );
  const sweep = () =>
    statuses
      .sweep()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'cannot sweep'));
  // At once too: an administrator who gave a new token restarts Ekiden, and wants to see it work.
  void sweep();
  const timer = setInterval(sweep, sweepEvery);
  // Where Redis is new, what runs already is known before anybody asks; a deployment looks again.
  ekiden.releaseHistory
    .rebuild()
    .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'cannot look for releases'));
  const stopTelling = ekiden.waitingWords.keepTold();
  const stopping = new AbortController();
  const following = ekiden.followFailures(stopping.signal);
  return {
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all([posting.stop(), stopTelling(), following]);
    },
  };
}
