/** The line that a terminal is at: text is added to it, or written over it. */

/** Characters of a line that are held; what comes before them is not written over any more. */
const longestHeld = 16 * 1024;

/** Looked for in so many characters alone: whoever takes back much would read the whole line each time. */
const longestColour = 67;
// biome-ignore lint/suspicious/noControlCharactersInRegex: This character is what is looked for.
const endsInColour = /\x1b\[[0-9;:]{0,64}m$/;

export class TerminalLine {
  #out = '';
  /** None is empty; they are joined late, since each join reads the whole line. */
  #held: string[] = [];
  #length = 0;
  /** True when a part of the line was shown already. */
  #isShown = false;
  /** True when what is held is written over what was shown. */
  #isRewritten = false;
  /** True when what comes next is written over all of the line. */
  #isRewound = false;

  /** True while what comes is simply added. */
  get isPlain(): boolean {
    return !this.#isRewound && !this.#isRewritten;
  }

  get holds(): boolean {
    return this.#length > 0;
  }

  /** Adds what is neither the end of a line nor a control character, but for colours. */
  add(text: string): void {
    if (this.#isRewound) {
      this.#takeHeld();
      this.#isRewritten = this.#isShown;
      this.#isRewound = false;
    }
    this.#hold(text);
    if (this.#length > longestHeld) this.#showBeginning();
  }

  /** Adds lines without control characters, while the line is plain. */
  addPlain(text: string): void {
    const cut = text.lastIndexOf('\n') + 1;
    if (cut > 0) {
      this.show();
      this.#out += text.slice(0, cut);
      this.#isShown = false;
    }
    this.add(text.slice(cut));
  }

  /** What comes now is written over the line. */
  rewind(): void {
    this.#isRewound = true;
  }

  /** Takes back the last character, unless the line ends in a colour. */
  erase(): void {
    const last = this.#held.at(-1);
    if (last === undefined || this.#isRewound) return;
    if (endsInColour.test(last.slice(-longestColour))) return;
    const rest = last.slice(0, isPairAt(last, last.length - 2) ? -2 : -1);
    this.#held.pop();
    this.#length -= last.length;
    this.#hold(rest);
  }

  end(): void {
    this.show();
    this.#out += '\n';
    this.#isShown = false;
    this.#isRewritten = false;
    this.#isRewound = false;
  }

  /** Lets go what is held. */
  show(): void {
    if (!this.holds) return;
    this.#out += (this.#isRewritten ? '\r' : '') + this.#takeHeld();
    this.#isShown = true;
    this.#isRewritten = false;
  }

  /** Answers what was let go since the last time. */
  take(): string {
    const text = this.#out;
    this.#out = '';
    return text;
  }

  /** Cuts at the same places whatever came at once, and never within a character. */
  #showBeginning(): void {
    const held = this.#takeHeld();
    let cut = 0;
    while (held.length - cut > longestHeld) {
      cut += longestHeld - (isPairAt(held, cut + longestHeld - 1) ? 1 : 0);
    }
    this.#hold(held.slice(0, cut));
    this.show();
    this.#hold(held.slice(cut));
  }

  #hold(text: string): void {
    if (text === '') return;
    this.#held.push(text);
    this.#length += text.length;
  }

  #takeHeld(): string {
    const text = this.#held.join('');
    this.#held = [];
    this.#length = 0;
    return text;
  }
}

/** True where a character begins that is a pair: halves alone do not come here. */
function isPairAt(text: string, at: number): boolean {
  return text.charCodeAt(at) >> 10 === 0xd800 >> 10;
}
