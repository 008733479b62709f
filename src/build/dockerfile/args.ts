/** The names that a Dockerfile declares with ARG: only these may be passed as build arguments. */

import { joinLines, parseDockerfile } from './instructions.ts';

/** All declared names, of every stage and of the lines before the first FROM. */
export function declaredArgs(bytes: Buffer): Set<string> {
  const parsed = parseDockerfile(bytes);
  const names = new Set<string>();
  for (const instruction of parsed.instructions) {
    if (instruction.keyword !== 'ARG') continue;
    const { text } = joinLines(parsed.text, instruction, parsed.escape);
    for (const word of parseWords(text.slice('ARG'.length), String.fromCharCode(parsed.escape))) {
      const name = word.split('=', 1)[0];
      if (name) names.add(Buffer.from(name, 'latin1').toString('utf8'));
    }
  }
  return names;
}

/** Words as the function of this name in BuildKit's parser splits them: blanks within quotes and behind an escape do not separate. */
export function parseWords(text: string, escapeCharacter: string): string[] {
  const taken = `\\${escapeCharacter}[^]?`;
  const word = new RegExp(`(?:${taken}|"(?:${taken}|[^"])*"?|'[^']*'?|[^\\t-\\r "'])+`, 'g');
  return text.match(word) ?? [];
}
