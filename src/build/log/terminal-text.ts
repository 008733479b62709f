/** Makes of what programs print for a terminal a text that keeps what a terminal would show in the end. */
import { TerminalLine } from './terminal-line.ts';

export interface TerminalText {
  /** Answers the lines that ended; the last one is held, since it may be written over. */
  write(text: string): string;
  /** Answers what is held of the line, for those who watch; what is written over it then begins with `\r`. */
  show(): string;
  /** Answers what is held, once nothing more comes. */
  end(): string;
  readonly holds: boolean;
}

/** Characters that do something, but for tab and newline. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

/** Halves of characters: with this flag whole ones are never cut. */
const half = /\p{Cs}/gu;

/** A piece of text with its colours, the end of a line, or one control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
const token = /(?:[^\x00-\x08\x0a-\x1f\x7f-\x9f]+|\x1b\[[0-9;:]{0,64}m)+|[\s\S]/g;

/** Sequences of ECMA-48: control sequences, strings for the terminal itself (titles, links), and short ones. */
const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
  /\x1b(?:\[([0-9;:?<=>]{0,64})[ -/]{0,4}([@-~])|[\]PX^_][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)|[ -/]{0,4}[0-OQ-WYZ\\`-~])/y;

/** A sequence, as far as it has come. */
const unfinished =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
  /\x1b(?:\[[0-9;:?<=>]{0,64}[ -/]{0,4}|[\]PX^_][^\x07\x1b\n]{0,4096}\x1b?|[ -/]{0,4})$/y;

/** The same text comes out however it is cut into pieces, as long as nobody watches. */
export function createTerminalText(): TerminalText {
  const line = new TerminalLine();
  /** A sequence, or half a character, that goes on in the next piece. */
  let rest = '';

  return {
    write(text) {
      const whole = rest + text;
      if (line.isPlain && !control.test(whole) && whole.search(half) < 0) {
        rest = '';
        line.addPlain(whole);
        return line.take();
      }
      const [cut = ''] = /[\ud800-\udbff]$/.exec(whole) ?? [];
      const complete = whole.slice(0, whole.length - cut.length).replace(half, '\ufffd');
      rest = readSpecial(complete, line) + cut;
      return line.take();
    },
    show() {
      line.show();
      return line.take();
    },
    end() {
      rest = '';
      line.show();
      return line.take();
    },
    get holds() {
      return line.holds;
    },
  };
}

/** Adds a text to the line; answers the sequence in which it ends, if that is not complete. */
function readSpecial(text: string, line: TerminalLine): string {
  for (let at = 0; at < text.length; ) {
    token.lastIndex = at;
    const [piece = ''] = token.exec(text) ?? [];
    if (piece === '\x1b') {
      const end = readSequence(text, at, line);
      if (end === undefined) return text.slice(at);
      at = end;
    } else {
      take(piece, line);
      at += piece.length;
    }
  }
  return '';
}

function take(piece: string, line: TerminalLine): void {
  if (piece === '\n') line.end();
  else if (piece === '\r') line.rewind();
  else if (piece === '\b') line.erase();
  else if (piece.length > 1 || !control.test(piece)) line.add(piece);
}

/** Where the sequence at `at` ends; undefined when it has not ended yet. */
function readSequence(text: string, at: number, line: TerminalLine): number | undefined {
  sequence.lastIndex = at;
  const match = sequence.exec(text);
  if (!match) {
    unfinished.lastIndex = at;
    return unfinished.test(text) ? undefined : at + 1;
  }
  const [whole, parameters = '', final] = match;
  if (final === 'm') line.add(whole);
  // To the first column, and the erasing of the whole line, begin the line anew.
  else if (final === 'G' && /^[01]?$/.test(parameters)) line.rewind();
  else if (final === 'K' && parameters === '2') line.rewind();
  return at + whole.length;
}
