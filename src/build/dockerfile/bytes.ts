/** Text of a file is latin1 here, one character a byte; people read and give UTF-8. */

/** The bytes of a text in UTF-8, one character a byte. */
export function fromUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What bytes, one character each, say in UTF-8. */
export function toUtf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
