/** Finds the heredocs that a logical line opens, by the word rules of BuildKit's shell lexer. */

export interface Heredoc {
  /** The line that ends the body, without its line end. */
  terminator: string;
  /** `<<-`: leading tabs of the terminator's line do not count. */
  chomp: boolean;
}

interface Lexer {
  readonly line: string;
  at: number;
  /** How many `${` are open. */
  depth: number;
  /** Quotes stay in the word. */
  readonly rawQuotes: boolean;
  /** Escapes stay in the word. */
  rawEscapes: boolean;
}

/** The statement that BuildKit's lexer refuses: a quote or a `${` that nothing closes or that it cannot read. */
class Unreadable extends Error {}
// One for all, since a stack for each would take longer than the reading.
const unreadable = new Unreadable();

// The name begins behind the blanks, so that there is one way to read many of them.
const HEREDOC = /^\d*<<(-?)[\t\n\f\r ]*([^<\t\n\f\r ][^<]*)?$/;
// Go's unicode.IsSpace, which JavaScript's \s is not: it has U+0085 and lacks U+FEFF.
const BLANKS = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/y;
const BLANK_RUN = new RegExp(BLANKS.source);
const PLAIN = /[^\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000'"$<\\]+/y;
const NAME = /\p{Nd}+|[@*#?\-$!]|[\p{L}\p{Nd}_]+/uy;
// Always a backslash: BuildKit looks for heredocs without regard to `# escape=`.
const ESCAPE = '\\';
// Nobody nests variables so deep; the bound keeps a hostile line from exhausting the stack.
const MAX_DEPTH = 100;

/**
 * The heredocs of a logical line in the order of their bodies; none where the line cannot be read as shell words
 * (parser.heredocsFromLine and shell.Lex of moby/buildkit).
 */
export function findHeredocs(line: string): Heredoc[] {
  const heredocs: Heredoc[] = [];
  for (const word of shellWords(line, true)) {
    const match = HEREDOC.exec(word);
    if (!match?.[2]) continue;
    const names = shellWords(match[2], false);
    const terminator = names.length === 1 ? names[0] : undefined;
    if (terminator) heredocs.push({ terminator, chomp: match[1] === '-' });
  }
  return heredocs;
}

/** Without the blanks around it, as Go's strings.TrimSpace takes them away. */
export function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && BLANK_RUN.test(text.charAt(from))) from++;
  while (to > from && BLANK_RUN.test(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

function shellWords(line: string, raw: boolean): string[] {
  const lexer = { line, at: 0, depth: 0, rawQuotes: raw, rawEscapes: raw };
  try {
    return readUntil(lexer, '', raw).words;
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** Reads words up to the stop character, or to the end of the line where that is empty. */
function readUntil(lexer: Lexer, stop: string, rawEscapes: boolean) {
  const outer = lexer.rawEscapes;
  const words: string[] = [];
  let word = '';
  let text = '';
  const finishWord = () => {
    if (word !== '') words.push(word);
    word = '';
  };
  lexer.rawEscapes = rawEscapes;
  if (++lexer.depth > MAX_DEPTH) throw unreadable;
  while (lexer.at < lexer.line.length && lexer.line[lexer.at] !== stop) {
    const blanks = take(lexer, BLANKS);
    const isVariable = lexer.line[lexer.at] === '$';
    const piece = blanks === '' ? readPiece(lexer, stop !== '') : blanks;
    text += piece;
    // Blanks within quotes and escapes belong to the word, those within a variable do not. Of a variable in another one
    // only the text is wanted.
    const isSplit = lexer.depth === 1 && (blanks !== '' || isVariable);
    const [first = '', ...others] = isSplit ? piece.split(BLANK_RUN) : [piece];
    word += first;
    for (const other of others) {
      finishWord();
      word = other;
    }
  }
  if (stop !== '' && lexer.line[lexer.at++] !== stop) throw unreadable;
  finishWord();
  lexer.rawEscapes = outer;
  lexer.depth--;
  return { text, words };
}

/** What the next character stands for, together with what belongs to it. */
function readPiece(lexer: Lexer, one: boolean): string {
  const plain = one ? '' : take(lexer, PLAIN);
  if (plain !== '') return plain;
  const character = lexer.line[lexer.at++] ?? '';
  switch (character) {
    case "'":
      return readSingleQuoted(lexer);
    case '"':
      return readDoubleQuoted(lexer);
    case '$':
      return readDollar(lexer);
    case '<':
      return readLess(lexer);
    case ESCAPE:
      return (lexer.rawEscapes ? ESCAPE : '') + (lexer.line[lexer.at++] ?? '');
    default:
      return character;
  }
}

function readSingleQuoted(lexer: Lexer): string {
  const end = lexer.line.indexOf("'", lexer.at);
  if (end === -1) throw unreadable;
  const text = lexer.line.slice(lexer.at, end);
  lexer.at = end + 1;
  return lexer.rawQuotes ? `'${text}'` : text;
}

function readDoubleQuoted(lexer: Lexer): string {
  let text = '';
  for (;;) {
    const character = lexer.line[lexer.at++];
    if (character === undefined) throw unreadable;
    if (character === '"') return lexer.rawQuotes ? `"${text}"` : text;
    if (character === '$') text += readDollar(lexer);
    else if (character === ESCAPE) text += readQuotedEscape(lexer);
    else text += character;
  }
}

function readQuotedEscape(lexer: Lexer): string {
  const kept = lexer.rawEscapes ? ESCAPE : '';
  const next = lexer.line[lexer.at];
  if (next === undefined) return kept;
  if (next !== '"' && next !== '$' && next !== ESCAPE) return kept + ESCAPE;
  lexer.at++;
  return kept + next;
}

/** Blanks between `<<` and the terminator belong to the word. */
function readLess(lexer: Lexer): string {
  if (lexer.line[lexer.at] !== '<') return '<';
  lexer.at++;
  return `<<${take(lexer, BLANKS)}`;
}

/** No variable is known here, so that every reference stays as it was written. */
function readDollar(lexer: Lexer): string {
  if (lexer.line[lexer.at] !== '{') return `$${take(lexer, NAME)}`;
  const next = lexer.line[++lexer.at] ?? '}';
  if (next === '{' || next === '}' || next === ':') throw unreadable;
  const name = take(lexer, NAME);
  let modifier = lexer.line[lexer.at++] ?? '';
  if (modifier === '}') return `\${${name}}`;
  if (modifier === '/') return readReplacement(lexer, name);
  if (modifier === ':') modifier += lexer.line[lexer.at++] ?? '';
  else if (!/^[+\-?#%]$/.test(modifier)) throw unreadable;
  return `\${${name}${modifier}${readUntil(lexer, '}', /[#%]$/.test(modifier)).text}}`;
}

function readReplacement(lexer: Lexer, name: string): string {
  if (lexer.line[lexer.at] === '/') lexer.at++;
  const pattern = readUntil(lexer, '/', true).text;
  return `\${${name}/${pattern}/${readUntil(lexer, '}', true).text}}`;
}

/** Takes what the sticky pattern matches here; possibly nothing. */
function take(lexer: Lexer, pattern: RegExp): string {
  pattern.lastIndex = lexer.at;
  const text = pattern.exec(lexer.line)?.[0] ?? '';
  lexer.at += text.length;
  return text;
}
