/** The timeline of a push: how long each leg took, in milliseconds since the epoch. */

export const legNames = [
  'hook',
  'queue',
  'resolve',
  'reuse',
  'build',
  'push',
  'deploy',
  'health',
  'route',
] as const;

export type LegName = (typeof legNames)[number];

/** A leg that has no `end` is still under way. */
export interface Leg {
  name: LegName;
  start: number;
  end?: number;
}

/** Puts `leg` in place of an earlier one of the same name, in the order of the journey. */
export function withLeg(legs: Leg[], leg: Leg): Leg[] {
  return [...legs.filter((other) => other.name !== leg.name), leg].sort(
    (a, b) => legNames.indexOf(a.name) - legNames.indexOf(b.name),
  );
}

/** Milliseconds of each finished leg, by name. */
export function durations(legs: Leg[]): Partial<Record<LegName, number>> {
  return Object.fromEntries(
    legs.flatMap((leg) => (leg.end === undefined ? [] : [[leg.name, leg.end - leg.start]])),
  );
}

/** Draws the legs as a waterfall of `width` characters, one line a leg. */
export function renderWaterfall(legs: Leg[], width = 40): string[] {
  const start = Math.min(...legs.map((leg) => leg.start));
  const end = Math.max(...legs.map((leg) => leg.end ?? leg.start));
  const scale = width / Math.max(1, end - start);
  return legs.map((leg) => {
    const from = Math.min(width - 1, Math.floor((leg.start - start) * scale));
    const length = Math.max(1, Math.round(((leg.end ?? leg.start) - leg.start) * scale));
    const bar = `${' '.repeat(from)}${'█'.repeat(Math.min(length, width - from))}`.padEnd(width);
    const took = leg.end === undefined ? '…' : String(leg.end - leg.start);
    return `${leg.name.padEnd(8)} ${bar} ${took.padStart(7)} ms`;
  });
}
