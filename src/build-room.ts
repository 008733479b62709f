/** Lets a build host take no builds while it has no room, so that they go to hosts that have some. */
import type { Admission } from './build/admission.ts';
import { messageOf, NoRoomError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { keepLooking } from './core/looking.ts';
import type { Worker } from './core/queue.ts';

export interface BuildRoom extends Admission {
  /** What this host lacks since it takes no builds; undefined where it takes them. */
  shortage(): string | undefined;
  /** Lets the worker go on when there is room again, until the answered function is called. */
  keep(worker: Pick<Worker, 'resume'>): () => Promise<void>;
}

export interface BuildRoomOptions {
  admission: Admission;
  /** How often a host without room is looked at again, in milliseconds. */
  every?: number;
  log: Log;
}

export function createBuildRoom({ admission, every = 3_000, log }: BuildRoomOptions): BuildRoom {
  /** As it was at first: each new number would be told of every build that waits. */
  let lacks: string | undefined;

  async function admit(): Promise<void> {
    try {
      await admission.admit();
    } catch (error) {
      note(error instanceof NoRoomError ? error.message : undefined);
      throw error;
    }
    note(undefined);
  }

  function note(shortage: string | undefined): void {
    if (lacks === undefined && shortage !== undefined) {
      log.warn({ why: shortage }, 'this host takes no builds until it has room');
    }
    if (lacks !== undefined && shortage === undefined) log.info({}, 'this host takes builds again');
    lacks = shortage === undefined ? undefined : (lacks ?? shortage);
  }

  return {
    admit,
    shortage: () => lacks,
    keep(worker) {
      return keepLooking({
        look: async () => {
          // What else is wrong is said by the builds that meet it.
          if (lacks !== undefined) await admit().catch(() => undefined);
          // Also where it went on before: there may have been room again before the worker rested.
          if (lacks === undefined) worker.resume();
        },
        every,
        onError: (error) =>
          log.warn({ error: messageOf(error) }, 'cannot look for room for builds'),
      });
    },
  };
}
