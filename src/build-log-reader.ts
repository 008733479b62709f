/** The logs of builds for those who read and follow them. */
import { type BuildStore, isActive } from './core/build.ts';
import {
  type BuildLogState,
  type BuildLogStore,
  isContinuation,
  isGone,
} from './core/build-log.ts';
import { type DeploymentStore, isOpen } from './core/deployment.ts';
import type { ByteRange, LogFrame, OpenLogFile } from './core/log-file.ts';
import { followBuildLog, noLongerKept, readBuildLog } from './logs/build-log.ts';

export interface BuildLogReader {
  /** Of size 0 while nothing was said. @throws EkidenError (410) once the log was given up */
  state(build: string): Promise<BuildLogState>;
  /** The wanted bytes; where some of them are no longer kept, a line says so. */
  open(build: string, range: ByteRange): Promise<OpenLogFile>;
  /** Its end, at most so many bytes; it begins with a whole character. */
  tail(build: string, bytes: number): Promise<string>;
  /** Until the build and its deployments have ended, and all is read. */
  follow(build: string, follow: { from: number; signal: AbortSignal }): AsyncIterable<LogFrame>;
}

export interface BuildLogReaderOptions {
  buildLogStore: BuildLogStore;
  builds: Pick<BuildStore, 'find'>;
  deployments: Pick<DeploymentStore, 'find'>;
}

export function createBuildLogReader(options: BuildLogReaderOptions): BuildLogReader {
  const { buildLogStore: store } = options;

  async function stateOf(build: string): Promise<BuildLogState> {
    const state = await store.state(build);
    if (isGone(state)) throw noLongerKept();
    return state;
  }

  return {
    state: stateOf,
    async open(build, { start, end }) {
      const { size, modifiedAt } = await stateOf(build);
      const bytes = readBuildLog(store, build, { start, stop: Math.min(end + 1, size) });
      return { file: { path: 'log', size, modifiedAt }, identity: build, bytes };
    },
    async tail(build, bytes) {
      const { size: stop } = await store.state(build);
      const start = Math.max(0, stop - bytes);
      const parts: Uint8Array[] = [];
      for await (const part of readBuildLog(store, build, { start, stop })) parts.push(part);
      return textFrom(Buffer.concat(parts), start > 0);
    },
    follow: (build, follow) =>
      followBuildLog({ ...follow, store, build, isOver: () => isOver(options, build) }),
  };
}

async function isOver({ builds, deployments }: BuildLogReaderOptions, id: string) {
  const build = await builds.find(id);
  if (build && isActive(build)) return false;
  const found = await Promise.all((build?.deployments ?? []).map(deployments.find));
  return !found.some((deployment) => deployment && isOpen(deployment));
}

function textFrom(bytes: Buffer, isCut: boolean): string {
  const start = isCut ? bytes.findIndex((byte) => !isContinuation(byte)) : 0;
  return start < 0 ? '' : bytes.toString('utf8', start);
}
