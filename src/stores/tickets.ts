/** Tickets in Redis: each lets its caller in once, for sockets of browsers, which can send no header. */
import { parseJson } from '../core/json.ts';
import type { TicketStore } from '../core/session.ts';
import type { StoreOptions } from './builds.ts';
import { atRedis, callerSchema, hashOf, newSecret } from './sessions.ts';

const lifeSeconds = 30;

export function createTickets({ redis, prefix }: StoreOptions): TicketStore {
  const key = (ticket: string) => `${prefix}:ticket:${hashOf(ticket)}`;

  return {
    async issue(caller) {
      const ticket = newSecret();
      const value = JSON.stringify(callerSchema.parse(caller));
      await atRedis(redis, (now) => now.set(key(ticket), value, 'EX', lifeSeconds));
      return { ticket, expiresAt: Date.now() + lifeSeconds * 1000 };
    },
    async take(ticket) {
      const text = await atRedis(redis, (now) => now.getdel(key(ticket)));
      const parsed = callerSchema.safeParse(text === null ? undefined : parseJson(text));
      return parsed.success ? parsed.data : undefined;
    },
  };
}
