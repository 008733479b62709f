/** HTTP basic authentication with one user, as Marathon's `--http_credentials` has it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestHandler } from 'express';
import { loginIn } from '../../core/basic-login.ts';
import { SetupError } from '../../core/errors.ts';

/** `user:password`. */
export type Credentials = string;

/** Marathon's `--http_realm`. */
const REALM = 'Mesosphere';

/** Reads the first line of a file. @throws SetupError that never repeats what is in it */
export async function readCredentials(file: string): Promise<Credentials> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refused(file, `cannot be read (${error.code})`, error);
  });
  const login = loginIn(text);
  if (!login) throw refused(file, 'does not hold user:password in its first line');
  return `${login.user}:${login.password}`;
}

/** Lets nobody in without the credentials. */
export function basicAuth(credentials: Credentials): RequestHandler {
  const wanted = digestOf(`Basic ${Buffer.from(credentials).toString('base64')}`);
  return ({ headers }, response, next) => {
    const given = (headers.authorization ?? '').replace(/^basic +/i, 'Basic ');
    // Digests have one length, so the comparison tells nothing of the password.
    if (timingSafeEqual(digestOf(given), wanted)) return next();
    response.set('WWW-Authenticate', `Basic realm="${REALM}"`);
    response.status(401).json({ message: 'Invalid username or password.' });
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refused(file: string, what: string, cause?: unknown): SetupError {
  return new SetupError(`The credentials file ${file} ${what}.`, {
    code: 'E_ENGINE_CREDENTIALS',
    hint: 'Write user:password into its first line, and let only the user of the engine read it.',
    cause,
  });
}
