/** A plan of things that go wrong, each a counted number of times, for a while, or until cleared. */

/** One fault; the first that fits a request and is not used up is applied. */
export interface Fault {
  /** Matched against method and path with query, such as `GET /api/v4/projects/1/repository/…`. */
  route: RegExp;
  /** How many requests it spoils; default 1, or all where `forMs` is given. */
  times?: number;
  /** For how long from now it spoils requests; `Infinity` is until cleared. */
  forMs?: number;
  /** Waits before going on. */
  delayMs?: number;
  /** Takes the request and never answers, until the faults are cleared: then the connection ends. */
  never?: boolean;
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
  /** Counts requests of each token and refuses those over the limit, as Rack::Attack does. */
  limitRate(limit: { requests: number; perMs?: number }): void;
  /** What the limit says to this request: headers, and whether it is over. */
  countRequest(token: string): { headers: Record<string, string>; over: boolean } | undefined;
  /** Readers of branches see the state before a push for so long; 0 ends that. */
  lagBranches(ms: number): void;
  branchLagMs(): number;
  /** The fault for this request, counted as used. */
  take(request: string): Fault | undefined;
  /** How many requests are still to be spoiled; those of a period are not counted. */
  left(): number;
  /** Aborted by the next `clear`. */
  cleared(): AbortSignal;
  clear(): void;
}

/** The refusal of Rack::Attack: plain text, and headers that say when to come again. */
export function rackAttack(
  options: { limit?: number; retryAfterSeconds?: number; now?: number } = {},
): Pick<Fault, 'status' | 'body' | 'headers'> {
  const { limit = 60, retryAfterSeconds = 60, now = Date.now() } = options;
  const reset = Math.ceil(now / 1000) + retryAfterSeconds;
  return {
    status: 429,
    body: 'Retry later\n',
    headers: {
      'Retry-After': String(retryAfterSeconds),
      'RateLimit-ResetTime': new Date(reset * 1000).toUTCString(),
      ...rateHeaders({ limit, observed: limit + 1, reset }),
    },
  };
}

/** The refusal of an application limit: JSON, and no word of when to come again. */
export function applicationLimit(): Pick<Fault, 'status' | 'body'> {
  const error = 'This endpoint has been requested too many times. Try again later.';
  return { status: 429, body: { message: { error } } };
}

/** Headers of Rack::Attack on every answer; `reset` is in seconds since 1970. */
function rateHeaders(rate: { limit: number; observed: number; reset: number }) {
  return {
    'RateLimit-Limit': String(rate.limit),
    'RateLimit-Name': 'throttle_authenticated_api',
    'RateLimit-Observed': String(rate.observed),
    'RateLimit-Remaining': String(Math.max(0, rate.limit - rate.observed)),
    'RateLimit-Reset': String(rate.reset),
  };
}

export function createFaults({ now }: { now: () => number }): Faults {
  let planned: { fault: Fault; left: number; until: number }[] = [];
  let lag = 0;
  let limiter: ReturnType<typeof createRateLimit> | undefined;
  let clearing = new AbortController();
  return {
    add: (fault) => {
      const forever = Number.POSITIVE_INFINITY;
      const left = fault.times ?? (fault.forMs === undefined ? 1 : forever);
      planned.push({ fault, left, until: now() + (fault.forMs ?? forever) });
    },
    limitRate: (limit) => {
      limiter = createRateLimit({ perMs: 60_000, ...limit }, now);
    },
    countRequest: (token) => limiter?.(token),
    lagBranches: (ms) => {
      lag = ms;
    },
    branchLagMs: () => lag,
    take: (request) => {
      planned = planned.filter(({ left, until }) => left > 0 && now() < until);
      const found = planned.find(({ fault }) => fault.route.test(request));
      if (found !== undefined) found.left -= 1;
      return found?.fault;
    },
    left: () => {
      const counted = planned.filter(({ left }) => Number.isFinite(left));
      return counted.reduce((sum, { left }) => sum + left, 0);
    },
    cleared: () => clearing.signal,
    clear: () => {
      planned = [];
      lag = 0;
      limiter = undefined;
      clearing.abort();
      clearing = new AbortController();
    },
  };
}

/** Counts in whole periods of the clock, as Rack::Attack does. */
function createRateLimit(options: { requests: number; perMs: number }, now: () => number) {
  const { requests: limit, perMs } = options;
  let period = -1;
  let counts = new Map<string, number>();
  return (token: string) => {
    const current = Math.floor(now() / perMs);
    if (current !== period) counts = new Map();
    period = current;
    const observed = (counts.get(token) ?? 0) + 1;
    counts.set(token, observed);
    const resetMs = (current + 1) * perMs;
    const headers = rateHeaders({ limit, observed, reset: Math.ceil(resetMs / 1000) });
    if (observed <= limit) return { headers, over: false };
    const seconds = Math.max(1, Math.ceil((resetMs - now()) / 1000));
    return { headers: { ...headers, 'Retry-After': String(seconds) }, over: true };
  };
}
