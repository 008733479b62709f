/** The log files of the instances on this node. */
import { type Follow, type LogFiles, type LogFrame, noInstance } from '../core/log-file.ts';
import type { NodeInstance, NodeInstances } from '../core/node.ts';
import { followFile } from './follow.ts';
import { listFiles } from './listing.ts';
import { readFileRange } from './reading.ts';

export function createLogFiles(instances: Pick<NodeInstances, 'find'>): LogFiles {
  return {
    async list(id) {
      const instance = await instances.find(id);
      return instance && listFiles(instance);
    },
    async open(id, path, range) {
      const instance = await instances.find(id);
      return instance && readFileRange(instance, path, range);
    },
    follow: (id, path, follow) => followIn(instances, { id, path, follow }),
  };
}

interface Wanted {
  id: string;
  path: string;
  follow: Follow;
}

async function* followIn(
  instances: Pick<NodeInstances, 'find'>,
  { id, path, follow }: Wanted,
): AsyncGenerator<LogFrame> {
  const instance = await instances.find(id);
  if (!instance) throw noInstance(id);
  yield* followFile({ ...follow, folder: instance, path, endedAt: () => endOf(instances, id) });
}

/** One that nobody knows any more has ended, however long ago. */
async function endOf(
  instances: Pick<NodeInstances, 'find'>,
  id: string,
): Promise<number | undefined> {
  const instance: NodeInstance | undefined = await instances.find(id);
  return instance ? instance.endedAt : 0;
}
