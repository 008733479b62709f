/** The logger that parts are given: fields first, then a static message, as pino has it. */

/** Plain values only: whoever logs an object would log what is hidden in it. */
type Field = string | number | boolean | null | undefined;

type Write = (fields: Record<string, Field>, message: string) => void;

export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
}

/** Swallows everything; for tests and for parts that nobody listens to. */
export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The same log, with fields that stand on each of its lines. */
export function withFields(log: Log, fields: Record<string, Field>): Log {
  const write =
    (level: keyof Log): Write =>
    (more, message) =>
      log[level]({ ...fields, ...more }, message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
}
