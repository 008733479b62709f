/** Ekiden's own log: JSON lines on standard error. */
import { destination, pino } from 'pino';
import type { Config } from './config.ts';
import type { Log } from './core/log.ts';
import { redacted } from './core/secret.ts';

/** What carries secrets is never printed; fields hold no objects in which more could hide. */
const serializers = Object.fromEntries(
  ['token', 'secret', 'password', 'authorization'].map((field) => [field, () => redacted]),
);

/** Bytes that may wait to be written. */
const mostWaiting = 1024 * 1024;

/** Lines are written together, since a write for each costs more than the line: so many bytes, or so many ms. */
const together = 8 * 1024;
const lateBy = 200;

export function createLog(level: Config['logLevel'], role: string): Log {
  // Where standard error goes to a file on a full disk, lines are dropped, and Ekiden goes on.
  const output = destination({
    ...{ fd: 2, sync: true, maxLength: mostWaiting },
    ...{ minLength: together, periodicFlush: lateBy },
  });
  output.on('error', () => undefined);
  // flushSync would try for ever on a full disk or a closed pipe.
  process.on('exit', () => output.flush());
  return pino({ level, base: { role }, serializers }, output);
}
