/** Sessions of browsers in Redis, under a hash of their ids: who reads Redis can enter by none. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Redis } from '../clients/redis.ts';
import type { Caller } from '../core/access.ts';
import { RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Session, SessionStore } from '../core/session.ts';
import type { StoreOptions } from './builds.ts';

const idleSeconds = 12 * 60 * 60;

export const callerSchema = z
  .object({
    user: z.number(),
    username: z.string(),
    name: z.string(),
    mayChange: z.boolean(),
    onlyProject: z.number().exactOptional(),
    isService: z.boolean(),
  })
  .strict() satisfies z.ZodType<Caller>;

const sessionSchema = z
  .object({
    caller: callerSchema,
    openedAt: z.number(),
    serviceKey: z.string().exactOptional(),
  })
  .strict() satisfies z.ZodType<Session>;

export function createSessions({ redis, prefix }: StoreOptions): SessionStore {
  const key = (id: string) => `${prefix}:session:${hashOf(id)}`;

  return {
    async open(session) {
      const id = newSecret();
      // What no schema knows, such as a token, is kept out here already.
      const value = JSON.stringify(sessionSchema.parse(session));
      await atRedis(redis, (now) => now.set(key(id), value, 'EX', idleSeconds));
      return id;
    },
    async find(id) {
      const text = await atRedis(redis, (now) => now.getex(key(id), 'EX', idleSeconds));
      const parsed = sessionSchema.safeParse(text === null ? undefined : parseJson(text));
      return parsed.success ? parsed.data : undefined;
    },
    async close(id) {
      await atRedis(redis, (now) => now.del(key(id)));
    },
  };
}

/** 256 bits that nobody can guess. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Runs a command for somebody who waits. @throws RemoteError (503) while Redis is away */
export async function atRedis<T>(redis: Redis, command: (redis: Redis) => Promise<T>): Promise<T> {
  try {
    return await command(redis);
  } catch (error) {
    throw new RemoteError('Redis does not answer, and sessions are kept there.', {
      code: 'E_REDIS',
      status: 503,
      hint: 'Try again in a moment.',
      cause: error,
    });
  }
}
