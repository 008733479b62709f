/** Sessions of browsers, and tickets for their sockets: neither holds a token of GitLab. */
import type { Caller } from './access.ts';

export interface Session {
  caller: Caller;
  /** Milliseconds since the epoch. */
  openedAt: number;
  /** Hash of the token that Ekiden worked with then, where it was this one that opened the session. */
  serviceKey?: string;
}

/** Keeps sessions, each for 12 hours after it was last asked for. */
export interface SessionStore {
  /** Answers the id, which only the browser knows. */
  open(session: Session): Promise<string>;
  find(id: string): Promise<Session | undefined>;
  close(id: string): Promise<void>;
}

/** Keeps tickets, each for 30 seconds or until it is taken. */
export interface TicketStore {
  issue(caller: Caller): Promise<{ ticket: string; expiresAt: number }>;
  /** Whose ticket it is, once. */
  take(ticket: string): Promise<Caller | undefined>;
}
