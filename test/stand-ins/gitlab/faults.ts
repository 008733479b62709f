/** A plan of things that go wrong, each a counted number of times. */

/** One fault; the first that fits a request and is not used up is applied. */
export interface Fault {
  /** Matched against method and path with query, such as `GET /api/v4/projects/1/repository/…`. */
  route: RegExp;
  /** How many requests it spoils; default 1. */
  times?: number;
  /** Waits before going on. */
  delayMs?: number;
  /** Answers this instead, with `body` (JSON unless a string) and `headers`. */
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Closes the connection: at once, or where `afterBytes` is given, within an archive. */
  reset?: boolean;
  /** Ends an archive after so many bytes: cleanly, or with a reset where that is asked for. */
  afterBytes?: number;
}

export interface Faults {
  add(fault: Fault): void;
  /** Readers of branches see the state before a push for so long; 0 ends that. */
  lagBranches(ms: number): void;
  branchLagMs(): number;
  /** The fault for this request, counted as used. */
  take(request: string): Fault | undefined;
  /** How many requests are still to be spoiled. */
  left(): number;
  clear(): void;
}

export function createFaults(): Faults {
  let planned: { fault: Fault; left: number }[] = [];
  let lag = 0;
  return {
    add: (fault) => {
      planned.push({ fault, left: fault.times ?? 1 });
    },
    lagBranches: (ms) => {
      lag = ms;
    },
    branchLagMs: () => lag,
    take: (request) => {
      const found = planned.find(({ fault }) => fault.route.test(request));
      if (found === undefined) return undefined;
      found.left -= 1;
      planned = planned.filter(({ left }) => left > 0);
      return found.fault;
    },
    left: () => planned.reduce((sum, { left }) => sum + left, 0),
    clear: () => {
      planned = [];
      lag = 0;
    },
  };
}
