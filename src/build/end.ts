/** Says how a build ended, or why it has not yet; a build that ended before it could say so says it again. */
import type { Build } from '../core/build.ts';
import type { JourneyEvent } from '../core/event.ts';

/** The event that follows from the state of a build; none while it is under way, or for its twin. */
export function endOf({ id, state, twin }: Build): JourneyEvent[] {
  // What is told of the commit is told by the other build of it.
  if (twin !== undefined) return [];
  switch (state) {
    case 'queued':
    case 'running':
      return [];
    case 'succeeded':
      return [{ type: 'image.pushed', build: id }];
    default:
      return [{ type: `build.${state}`, build: id }];
  }
}

/** Why a build that is not given up goes on later; `pause` in milliseconds, where a part asked for it. */
export function waitingFor(reason: string, pause?: number): string {
  const when = pause === undefined ? '' : ` in ${Math.round(pause / 1000)} s`;
  return `waits to be tried again${when}: ${reason}`;
}
