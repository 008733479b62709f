/** Lines for terminals: what is shown of them, and that nothing in them is ever obeyed. */
import { describe, expect, it } from 'vitest';
// @ts-expect-error Scripts of pages are plain JavaScript.
import { newStyle, partsOf } from '../../templates/ui/assets/ansi.js';

interface Part {
  text: string;
  classes: string[];
}

/** `text` of each part, with its classes in front where it has any. */
function shown(line: string, style = newStyle()): string[] {
  return (partsOf(line, style) as Part[]).map(({ text, classes }) =>
    [...classes.map((name) => `${name.replace('ansi-', '')}:`), text].join(''),
  );
}

const esc = '\u001b';

describe('a line', () => {
  it.each([
    ['plain text', 'a <b> & "c"', ['a <b> & "c"']],
    ['nothing', '', []],
    ['a tab', 'a\tb', ['a\tb']],
    ['a colour', `${esc}[31mred${esc}[0m plain`, ['red:red', ' plain']],
    ['a bold colour', `${esc}[1;32mok${esc}[22m still`, ['green:bold:ok', 'green: still']],
    ['a bright colour', `${esc}[94mb${esc}[39mc`, ['blue:b', 'c']],
    ['a reset without a number', `${esc}[33ma${esc}[mb`, ['yellow:a', 'b']],
    ['a colour of the palette', `${esc}[38;5;31mtext`, ['text']],
    ['a colour of three bytes', `${esc}[38;2;31;32;33;1mtext`, ['bold:text']],
    ['other orders to a terminal', `${esc}[2K${esc}[1Aup${esc}[?25l${esc}(B${esc}7`, ['up']],
    ['the title of a window', `${esc}]0;evil\u0007text`, ['text']],
    ['a link', `${esc}]8;;http://evil${esc}\\text${esc}]8;;${esc}\\`, ['text']],
    ['a title without an end', `a${esc}]0;evil`, ['a']],
    ['a string for a device', `${esc}P1;2|evil${esc}\\text`, ['text']],
    ['half an order', `text${esc}[3`, ['text']],
    ['other control characters', 'a\u0000\u0008\u009b\u007fb', ['ab']],
    ['progress', '10 %\r50 %\r100 %', ['100 %']],
    ['an end as Windows has it', 'text\r', ['text']],
  ])('with %s', (_name, line, parts) => {
    expect(shown(line)).toEqual(parts);
  });

  it('goes on in the colour of the line before', () => {
    const style = newStyle();
    expect(shown(`${esc}[31mone`, style)).toEqual(['red:one']);
    expect(shown('two', style)).toEqual(['red:two']);
    expect(shown(`${esc}[0mthree`, style)).toEqual(['three']);
  });

  it('is cut where it is longer than anybody reads', () => {
    expect(shown('x'.repeat(1_000_000))).toEqual([`${'x'.repeat(10_000)}…`]);
  });

  it('is read in time, whatever it holds', () => {
    const orders = `${esc}[`.repeat(100_000) + `${esc}]`.repeat(100_000);
    expect(shown(orders).join('').length).toBeLessThanOrEqual(10_001);
  });
});
