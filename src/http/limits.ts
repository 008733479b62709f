/** How often one may ask: figures, counters in Redis, and the headers that tell of them. */
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, type Options, rateLimit, type Store } from 'express-rate-limit';
import type { Caller } from '../core/access.ts';
import { TooManyRequestsError } from '../core/errors.ts';

/** Requests a minute. */
export const limits = {
  /** Of one address, whoever asks; an office may share one. */
  address: 6_000,
  /** Of one address with a token that GitLab does not know. */
  refused: 60,
  /** Of one user. */
  reads: 1_200,
  /** Of one user, those that change something. */
  changes: 120,
} as const;

const windowMs = 60_000;

export interface Limits {
  byAddress: RequestHandler[];
  /** Counts a wrong token of a socket, whose refusal never passes Express. */
  noteRefused(request: Request): Promise<void>;
  /** @throws TooManyRequestsError */
  byCaller(caller: Caller, request: Request, response: Response): Promise<void>;
}

/** `storeOf` opens the counters of one limit, which all web roles share. */
export function createLimits(storeOf: (name: string) => Store): Limits {
  const reads = limiter({ name: 'reads', limit: limits.reads, storeOf });
  const changes = limiter({ name: 'changes', limit: limits.changes, storeOf });
  const refused = countRefused(storeOf('refused'));
  return {
    byAddress: [
      limiter({ name: 'address', limit: limits.address, storeOf, silent: true }),
      async (request, response, next) => {
        const address = addressOf(request);
        response.once('finish', () => {
          if (response.statusCode === 401) void refused.note(address);
        });
        next(await refused.problem(address));
      },
    ],
    noteRefused: (request) => refused.note(addressOf(request)),
    byCaller: async (caller, request, response) => {
      response.locals['caller'] = caller;
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      await passed(isRead ? reads : changes, request, response);
    },
  };
}

/**
 * Counts an address' wrong tokens once they are refused: a request under way is no wrong one yet,
 * and many people may ask at the same time from one address.
 */
function countRefused(store: Store) {
  void store.init?.({ windowMs } as Options);
  return {
    async note(address: string): Promise<void> {
      await Promise.resolve(store.increment(address)).catch(() => undefined);
    },
    async problem(address: string): Promise<TooManyRequestsError | undefined> {
      const found = await Promise.resolve(store.get?.(address)).catch(() => undefined);
      // Of an address that nothing is counted of, the store knows no number.
      if (!found || !(found.totalHits >= limits.refused)) return undefined;
      const left = (found.resetTime?.getTime() ?? Date.now() + windowMs) - Date.now();
      return tooMany(
        `More than ${limits.refused} wrong tokens within a minute.`,
        Math.max(1, Math.ceil(left / 1000)),
      );
    },
  };
}

function addressOf({ ip = '' }: Request): string {
  return ipKeyGenerator(ip);
}

/** `retryAfter` in seconds. */
function tooMany(message: string, retryAfter: number): TooManyRequestsError {
  const hint = `Ask again in ${retryAfter} s.`;
  return new TooManyRequestsError(message, { code: 'E_RATE_LIMIT', retryAfter, hint });
}

/** Rejects with what the handler hands on. */
async function passed(handler: RequestHandler, request: Request, response: Response) {
  await new Promise<void>((resolve, reject) => {
    void handler(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
  });
}

interface LimiterOptions {
  name: string;
  limit: number;
  storeOf: (name: string) => Store;
  /** Leaves the headers to the limit of the caller. */
  silent?: true;
}

/** By itself the library prints a stack for each request that cannot be counted. */
const quiet = { warn: () => undefined, error: () => undefined };

function limiter({ name, limit, storeOf, silent }: LimiterOptions): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    store: storeOf(name),
    standardHeaders: silent ? false : 'draft-6',
    legacyHeaders: false,
    // Without Redis the limits cannot be kept, and asking must go on; /readyz tells of it once.
    passOnStoreError: true,
    logger: quiet,
    keyGenerator: (request, response) => {
      const caller = response.locals['caller'] as Caller | undefined;
      return caller ? `user ${caller.user}` : addressOf(request);
    },
    handler: (_request, response, next) => {
      const retryAfter = Number(response.getHeader('Retry-After') ?? windowMs / 1000);
      response.setHeader('Retry-After', retryAfter);
      next(tooMany(`More than ${limit} requests within a minute.`, retryAfter));
    },
  });
}
