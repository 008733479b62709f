/** Whether anybody goes on with a build: the queue has it, or the push that it comes by is resolved still. */
import { longestLine } from './core/queue.ts';
import type { Stores } from './stores/index.ts';

type Queues = Pick<Stores['queues'], 'arrivals' | 'build'>;

/** Which builds come by what is resolved still; of a longer line, any may. */
export async function arriving({ arrivals }: Pick<Queues, 'arrivals'>) {
  const works = await arrivals.works();
  const builds = new Set(
    works.flatMap((work) => (work.type === 'push.received' ? work.build : [])),
  );
  return (build: string): boolean => works.length >= longestLine || builds.has(build);
}

/** A build goes from one queue into the other, so they are asked in this order. */
export async function isUnderWay(queues: Queues, build: string): Promise<boolean> {
  const isArriving = await arriving(queues);
  return isArriving(build) || queues.build.has(build);
}
