/** Gives out versions: timestamps in milliseconds that never repeat and never go back. */
export interface VersionClock {
  next(): string;
}

/** Starts after `latest`, the newest version that is stored. */
export function createVersionClock(latest: string | undefined): VersionClock {
  let last = latest === undefined ? 0 : Date.parse(latest);
  return {
    next: () => {
      last = Math.max(Date.now(), last + 1);
      return new Date(last).toISOString();
    },
  };
}
