/** Follows a log file of an instance until the instance has ended and all is read. */
import type { Follow, LogFrame } from '../core/log-file.ts';
import { type LogFolder, pathsOf } from './gate.ts';
import { Tail } from './tail.ts';

/** Milliseconds that the last output may take to be written after the end of an instance. */
const lastWords = 2_000;

export interface FollowFileOptions extends Follow {
  folder: LogFolder;
  path: string;
  /** When the instance ended, in milliseconds since the epoch; undefined while it is alive. */
  endedAt(): Promise<number | undefined>;
  /** What is said at the end. */
  endReason?: string;
}

/** Ends without a frame when `signal` fires; a file that is not there yet is waited for. */
export async function* followFile(options: FollowFileOptions): AsyncGenerator<LogFrame> {
  const { folder, path, from = 0, identity, signal } = options;
  const { endReason = 'the instance has ended' } = options;
  const paths = pathsOf(folder, path);
  if (paths.length === 0) {
    yield { type: 'end', reason: 'no log file has such a name' };
    return;
  }
  const tail = new Tail({ folder, paths, from, identity });
  try {
    while (!signal.aborted) {
      const endedAt = await options.endedAt();
      const frames = await tail.next();
      yield* frames;
      if (frames.length > 0) continue;
      if (endedAt !== undefined && Date.now() - Math.max(endedAt, tail.modifiedAt) > lastWords) {
        yield { type: 'end', reason: endReason };
        return;
      }
      await tail.changed(signal);
    }
  } finally {
    await tail.close();
  }
}
