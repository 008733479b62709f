/** How often one may ask: figures, counters in Redis, and the headers that tell of them. */
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit, type Store } from 'express-rate-limit';
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
  /** @throws TooManyRequestsError */
  byCaller(caller: Caller, request: Request, response: Response): Promise<void>;
}

/** `storeOf` opens the counters of one limit, which all web roles share. */
export function createLimits(storeOf: (name: string) => Store): Limits {
  const reads = limiter({ name: 'reads', limit: limits.reads, storeOf });
  const changes = limiter({ name: 'changes', limit: limits.changes, storeOf });
  return {
    byAddress: [
      limiter({ name: 'address', limit: limits.address, storeOf, silent: true }),
      limiter({ name: 'refused', limit: limits.refused, storeOf, silent: true, onlyRefused: true }),
    ],
    byCaller: async (caller, request, response) => {
      response.locals['caller'] = caller;
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      await passed(isRead ? reads : changes, request, response);
    },
  };
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
  onlyRefused?: true;
}

function limiter({ name, limit, storeOf, silent, onlyRefused }: LimiterOptions): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    store: storeOf(name),
    standardHeaders: silent ? false : 'draft-6',
    legacyHeaders: false,
    // Without Redis the limits cannot be kept, and asking must go on.
    passOnStoreError: true,
    keyGenerator: (request, response) => {
      const caller = response.locals['caller'] as Caller | undefined;
      return caller ? `user ${caller.user}` : ipKeyGenerator(request.ip ?? '');
    },
    ...(onlyRefused
      ? {
          skipSuccessfulRequests: true,
          requestWasSuccessful: (_request: unknown, response: { statusCode: number }) =>
            response.statusCode !== 401,
        }
      : {}),
    handler: (_request, response, next) => {
      const retryAfter = Number(response.getHeader('Retry-After') ?? windowMs / 1000);
      response.setHeader('Retry-After', retryAfter);
      next(
        new TooManyRequestsError(`More than ${limit} requests within a minute.`, {
          code: 'E_RATE_LIMIT',
          retryAfter,
          hint: `Ask again in ${retryAfter} s.`,
        }),
      );
    },
  });
}
