/** What a file asks of INCLUDE by comments above its first instruction: `# ekiden: once`, `# ekiden: input …`. */

import type { ParsedDockerfile } from './instructions.ts';
import { endWithoutBlanks, skipBlanks } from './lines.ts';

export interface Pragma {
  /** `once`, `input`, or whatever else stands there. */
  name: string;
  /** What follows the name, as latin1. */
  rest: string;
  line: number;
  /** The whole line without blanks around it, as latin1. */
  text: string;
}

// Only blanks of ASCII: alone, the last byte of an à would be one of Unicode.
const PRAGMA = /^#[\t-\r ]*ekiden:[\t-\r ]*(\w+)[\t-\r ]*(.*)$/s;

export function pragmas({ text, head, instructions }: ParsedDockerfile): Pragma[] {
  const above = text.slice(head.end, instructions[0]?.start);
  if (!above.includes('ekiden:')) return [];
  return above.split('\n').flatMap((line, index) => {
    const content = line.slice(skipBlanks(line, 0, line.length), endWithoutBlanks(line));
    const [, name, rest = ''] = PRAGMA.exec(content) ?? [];
    return name === undefined ? [] : [{ name, rest, line: head.lines + index + 1, text: content }];
  });
}
