/** How the values of `docker run` flags are written; what cannot be read throws a TypeError that says how. */

/** Reads a value; `before` is what an earlier parameter of the same key has set. */
export type Read<T> = (value: string, before?: T) => NonNullable<T>;

export const text = (value: string): string => value;

export const list = (value: string, before: string[] = []): string[] => [...before, value];

/** Go's `strconv.ParseBool`, by which Docker reads. */
export function flag(value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new TypeError(`must be true or false, not '${value}'`);
}

export function whole(value: string): number {
  if (/^-?\d+$/.test(value)) return Number(value);
  throw new TypeError(`must be a whole number, not '${value}'`);
}

export function decimal(value: string): number {
  if (/^(?:\d+(?:\.\d+)?|\.\d+)$/.test(value)) return Number(value);
  throw new TypeError(`must be a number, not '${value}'`);
}

/** `name=value`, beside those that are there. */
export function record(value: string, before: Record<string, string> = {}): Record<string, string> {
  const [name = '', given = ''] = value.split(/=(.*)/s);
  return { ...before, [name]: given };
}

const UNITS: Record<string, number> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `64m`, `1.5g`, `1024`, and -1 for no limit. */
export function bytes(value: string): number {
  const [, digits, unit = 'b'] = /^(-1|\d+(?:\.\d+)?|\.\d+)\s*([bkmgt])?i?b?$/i.exec(value) ?? [];
  if (digits === undefined) throw new TypeError(`must be a size such as 64m, not '${value}'`);
  return Math.round(Number(digits) * (UNITS[unit.toLowerCase()] ?? 1));
}

/** `8080` or `53/udp`, as Docker's API names a port. */
export function exposed(value: string): string {
  const [, port, protocol = 'tcp'] = /^(\d+)(?:\/(tcp|udp|sctp))?$/.exec(value) ?? [];
  if (port === undefined) throw new TypeError(`must be a port such as 53/udp, not '${value}'`);
  return `${port}/${protocol}`;
}
