/** The line that a terminal is at: text is added to it, or written over it. */

/** Characters of a line that are held; what comes before them is not written over any more. */
const longestHeld = 16 * 1024;

/** The last character, unless the line ends in a colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: This character is what is looked for.
const lastCharacter = /(?<!\x1b\[[0-9;:]{0,64})[\s\S]$/u;

export class TerminalLine {
  #out = '';
  #held = '';
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
    return this.#held !== '';
  }

  /** Adds what is neither the end of a line nor a control character, but for colours. */
  add(text: string): void {
    if (this.#isRewound) {
      this.#held = '';
      this.#isRewritten = this.#isShown;
      this.#isRewound = false;
    }
    this.#held += text;
    while (this.#held.length > longestHeld) this.#showBeginning();
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

  erase(): void {
    if (!this.#isRewound) this.#held = this.#held.replace(lastCharacter, '');
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
    if (this.#held === '') return;
    this.#out += (this.#isRewritten ? '\r' : '') + this.#held;
    this.#held = '';
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
    const isWithin = /[\ud800-\udbff]/.test(this.#held.charAt(longestHeld - 1));
    const cut = isWithin ? longestHeld - 1 : longestHeld;
    const rest = this.#held.slice(cut);
    this.#held = this.#held.slice(0, cut);
    this.show();
    this.#held = rest;
  }
}
