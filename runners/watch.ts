/** The role watch: keeps GitLab's view of the journey true. */
import type { Ekiden } from '../src/ekiden.ts';
import type { Runner } from './runner.ts';

const postAtOnce = 8;

export async function startWatch(ekiden: Ekiden): Promise<Runner> {
  const { queues, statuses } = ekiden;
  const posting = queues.statuses.work(
    // Once GitLab has been away, the states in between are no news any more.
    (work, { first }) => statuses.post(work, { onlyLast: !first }),
    { concurrency: postAtOnce },
  );
  return { stop: () => posting.stop() };
}
