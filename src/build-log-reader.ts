/** The logs of builds for those who read and follow them. */
import type { BuildStore } from './core/build.ts';
import { isActive } from './core/build.ts';
import type { ByteRange, LogFrame, OpenLogFile } from './core/log-file.ts';
import { followFile } from './logs/follow.ts';
import { readFileRange } from './logs/reading.ts';

export interface BuildLogReader {
  /** Bytes that the build has said so far on this machine. */
  size(build: string): Promise<number>;
  open(build: string, range: ByteRange): Promise<OpenLogFile | undefined>;
  /** Until the build has ended and all is read. */
  follow(build: string, follow: { from: number; signal: AbortSignal }): AsyncIterable<LogFrame>;
}

export interface BuildLogReaderOptions {
  /** The data folder; logs lie in `builds` there. */
  data: string;
  builds: Pick<BuildStore, 'find'>;
}

export function createBuildLogReader({ data, builds }: BuildLogReaderOptions): BuildLogReader {
  const folder = { sandbox: data, folders: ['builds'] };
  const pathOf = (build: string) => `builds/${build}.log`;
  return {
    size: async (build) => (await readFileRange(folder, pathOf(build)))?.file.size ?? 0,
    open: (build, range) => readFileRange(folder, pathOf(build), range),
    follow: (build, follow) =>
      followFile({
        ...follow,
        folder,
        path: pathOf(build),
        // How long ago does not matter: the log itself tells when the last word was written.
        endedAt: async () => {
          const found = await builds.find(build);
          return found && isActive(found) ? undefined : 0;
        },
        endReason: 'the build has ended',
      }),
  };
}
