/** Ekiden's own log: JSON lines on standard error. */
import { destination, pino } from 'pino';
import type { Config } from './config.ts';
import type { Log } from './core/log.ts';

/** What carries secrets is never printed, wherever it is nested. */
const redact = {
  paths: ['token', 'secret', 'password', '*.token', '*.secret', '*.password', '*.authorization'],
  censor: '[REDACTED]',
};

export function createLog(level: Config['logLevel'], role: string): Log {
  return pino({ level, base: { role }, redact }, destination(2));
}
