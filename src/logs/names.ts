/** Writes the names of files, which may be any bytes, as text, and reads them back; pure. */

const backslash = 0x5c;

/** UTF-8 as it is; a byte that is none as `\xNN`. */
export function textOf(name: Buffer): string {
  const text = name.toString('utf8');
  if (Buffer.from(text).equals(name)) return text;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let written = '';
  for (let at = 0; at < name.length; ) {
    const length = lengthAt(name, at, decoder);
    written += length > 0 ? name.toString('utf8', at, at + length) : escaped(name.readUInt8(at));
    at += Math.max(1, length);
  }
  return written;
}

/** The bytes that `textOf` wrote so; undefined for a text that holds no `\xNN`. */
export function bytesOf(text: string): Buffer | undefined {
  if (!/\\x[0-9a-f]{2}/.test(text)) return undefined;
  const name = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < name.length; ) {
    const code = name[at] === backslash ? codeAt(name, at) : undefined;
    parts.push(code === undefined ? name.subarray(at, at + 1) : Buffer.of(code));
    at += code === undefined ? 1 : 4;
  }
  return Buffer.concat(parts);
}

/** Bytes of the character that begins at `at`; 0 when none does. */
function lengthAt(name: Buffer, at: number, decoder: InstanceType<typeof TextDecoder>): number {
  for (let length = 1; length <= 4 && at + length <= name.length; length += 1) {
    try {
      decoder.decode(name.subarray(at, at + length));
      return length;
    } catch {
      // Perhaps the character is longer.
    }
  }
  return 0;
}

function codeAt(name: Buffer, at: number): number | undefined {
  const hex = /^\\x([0-9a-f]{2})$/.exec(name.toString('latin1', at, at + 4))?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
