/** What programs print for a terminal becomes a text that people read later, and watch meanwhile. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTerminalText } from '../../../src/build/log/terminal-text.ts';

function textOf(pieces: string[]): string {
  const terminal = createTerminalText();
  return pieces.map((piece) => terminal.write(piece)).join('') + terminal.end();
}

describe('a text for a terminal', () => {
  it.each([
    ['lines', 'a\nb\n', 'a\nb\n'],
    ['an end without a newline', 'a\nb', 'a\nb'],
    ['lines as Windows ends them', 'a\r\nb\r\r\n', 'a\nb\n'],
    ['the last state of a bar', '10%\r20%\r100%\n', '100%\n'],
    ['a bar that says no more', '10%\r100%\r', '100%'],
    ['a bar that begins with its return', '\r10%\r20%\ndone\n', '20%\ndone\n'],
    ['a line that is erased', 'fetching\x1b[2K\x1b[1Gdone\n', 'done\n'],
    ['a line that is erased from its first column', 'fetching\r\x1b[Kdone\n', 'done\n'],
    ['one that is erased and stays empty', 'fetching\x1b[2K\n', 'fetching\n'],
    ['characters that are taken back', 'a-\b\\\b|\b.\n', 'a.\n'],
    ['no more than there is', '\b\ba\n', 'a\n'],
    ['a whole character that is taken back', 'a駅𝟙\bb\n', 'a駅b\n'],
    ['colours', '\x1b[1;31mred\x1b[0m\n', '\x1b[1;31mred\x1b[0m\n'],
    ['a colour behind which nothing is taken back', 'a\x1b[0m\b\n', 'a\x1b[0m\n'],
    ['no movement', 'a\x1b[1A\x1b[10;5Hb\x1b[2J\n', 'ab\n'],
    ['no title', '\x1b]0;a title\x07a\n', 'a\n'],
    ['a link as its text', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\\n', 'text\n'],
    ['no short sequence', '\x1b(B\x1b7a\x1bM\x1b=\n', 'a\n'],
    ['what is no sequence', '\x1b[999\nb\x1b', '[999\nb'],
    ['a title that never ends', '\x1b]0;title\nb\n', ']0;title\nb\n'],
    ['no control characters', '\x00a\x07\x7f\x9b31m\x85b\x0c\x0b\n', 'a31mb\n'],
    ['tabs', 'a\tb\n', 'a\tb\n'],
    ['half a character as the sign for one', 'a\ud83db\udc00\n', 'a\ufffdb\ufffd\n'],
    ['characters beyond ASCII', '駅伝 𝟙\n', '駅伝 𝟙\n'],
  ])('keeps %s', (_, text, wanted) => {
    expect(textOf([text])).toBe(wanted);
    expect(textOf(text.split(''))).toBe(wanted);
  });

  const part = fc.oneof(
    ...[fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })],
    fc.constantFrom('\r', '\n', '\r\n', '\b', '\x1b[2K', '\x1b[1G', '\x1b[31m', '\x1b]0;', '\x07'),
    fc.constantFrom('\x1b\\', '\x1b[', '\x1b', '\x00', '𝟙', '\ud83d', 'x'.repeat(20_000)),
  );

  it('is the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(part)), (groups) => {
        const pieces = groups.map((parts) => parts.join(''));
        expect(textOf(pieces) === textOf([pieces.join('')])).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('has nothing in it that moves a cursor, but what begins a long line anew', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
    const moving = /[\x00-\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:?<=>]*[ -/]*m)/;
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(textOf([parts.join('')]).search(moving)).toBe(-1);
      }),
    );
  });

  it('is read at once, however long its lines and sequences are', () => {
    const terminal = createTerminalText();
    for (const text of ['\x1b]0;', '\x1b[1', 'x\r', '\b', '\ud83d']) {
      const long = text.repeat(Math.floor(1_000_000 / text.length));
      expect(terminal.write(long).length).toBeLessThanOrEqual(long.length);
    }
  });

  it('is read at once also where a long line is changed at its end again and again', () => {
    const line = '駅'.repeat(16_000);
    const turns = Array.from({ length: 40 }, () => '|\b'.repeat(100_000));
    expect(textOf([line, ...turns])).toBe(line);
    expect(textOf([line, '\x1b[0m\b'.repeat(1_000)])).toBe(line + '\x1b[0m'.repeat(1_000));
  });
});

describe('a line that goes on', () => {
  it('is shown when somebody watches, and then written over', () => {
    const terminal = createTerminalText();
    expect(terminal.write('10%\r20%')).toBe('');
    expect(terminal.holds).toBe(true);
    expect([terminal.show(), terminal.show(), terminal.holds]).toEqual(['20%', '', false]);
    expect(terminal.write('\r30%\r40%')).toBe('');
    expect(terminal.show()).toBe('\r40%');
    expect(terminal.write(' and more')).toBe('');
    expect(terminal.show()).toBe(' and more');
    expect(terminal.write('\r100%\nnext\n')).toBe('\r100%\nnext\n');
  });

  it('is let go where it gets long', () => {
    const terminal = createTerminalText();
    const long = 'x'.repeat(100_000);
    const shown = terminal.write(long);
    expect(shown.length).toBeGreaterThan(80_000);
    expect(shown + terminal.write('\rend\n')).toBe(`${'x'.repeat(shown.length)}\rend\n`);
  });
});
