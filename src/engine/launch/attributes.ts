/** Attributes of the node, written as Mesos writes them: `rack:a;ssd:true;size:8`. */
import { InputError } from '../../core/errors.ts';

/**
 * Reads the text of `--attributes`. `@region` and `@zone` are names like any other here.
 * @throws InputError where a part is not `name:value`
 */
export function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const part of text.split(';').filter((one) => one.trim() !== '')) {
    const [, name, value] = /^\s*([^:\s]+)\s*:\s*(.*\S)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) {
      throw new InputError(`'${part}' is no attribute.`, {
        code: 'E_USAGE',
        hint: 'Write name:value, separated by semicolons, such as rack:a;ssd:true.',
      });
    }
    attributes.set(name, comparable(value));
  }
  return attributes;
}

/** Mesos takes what looks like a number for one; Marathon compares it with up to three decimals. */
export function comparable(value: string): string {
  if (!/^[+-]?\d+(\.\d+)?$/.test(value)) return value;
  return String(Math.round(Number(value) * 1000) / 1000);
}
