/** Reads from a request who it says it is from. */
import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import type { Credentials } from '../core/access.ts';
import { AccessError } from '../core/errors.ts';

export const sessionCookie = 'ekiden_session';

/** A token goes before a session; undefined when the request brings nothing. */
export function credentialsOf({ headers }: IncomingMessage): Credentials | undefined {
  const job = headers['job-token'];
  if (typeof job === 'string' && job !== '') return { kind: 'job-token', value: job };
  const token = headers['private-token'] || bearerOf(headers.authorization);
  if (typeof token === 'string' && token !== '') return { kind: 'token', value: token };
  const session = parseCookie(headers.cookie ?? '')[sessionCookie];
  return session ? { kind: 'session', value: session } : undefined;
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
}

/** The methods that change nothing. */
const reading = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A browser sends its cookie along with whatever another site makes it ask, but says truly which
 * site that is. @throws AccessError
 */
export function refuseForeignOrigin({ method, headers }: IncomingMessage, url: string): void {
  if (reading.has(method ?? 'GET') || isOwnOrigin(headers.origin, url)) return;
  throw new AccessError('The request comes from another site.', {
    code: 'E_ORIGIN',
    status: 403,
    hint: 'Open Ekiden at EKIDEN_URL, or send a token in place of the cookie.',
  });
}

/** True when a browser at `url` sent it. */
export function isOwnOrigin(origin: string | undefined, url: string): boolean {
  return origin === new URL(url).origin;
}
