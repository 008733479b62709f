/** Makes of a line for a terminal what a page can show: text, and the few styles that matter. */

const colours = ['grey', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', ''];

/** Sequences of ECMA-48: of operating systems (titles, links), control sequences, and short ones. */
const sequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
  /\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[([0-9;:?<=>]*)[ -/]*([@-~])?|[ -/]*[0-~]?)/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is looked for.
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Characters of a line that are shown. */
export const longestLine = 10_000;

/** Styles that go on from line to line. */
export function newStyle() {
  return { colour: '', isBold: false };
}

/** The parts of a line, each with text and classes; `style` is changed by what the line says. */
export function partsOf(line, style) {
  const shown = lastRewrite(line);
  const cut = shown.length > longestLine ? `${shown.slice(0, longestLine)}…` : shown;
  const parts = [];
  let from = 0;
  for (const match of cut.matchAll(sequences)) {
    add(parts, cut.slice(from, match.index), style);
    if (match[2] === 'm') restyle(style, match[1]);
    from = match.index + match[0].length;
  }
  add(parts, cut.slice(from), style);
  return parts;
}

/** A carriage return begins the line anew, as bars of progress do. */
function lastRewrite(line) {
  const whole = line.replace(/\r+$/, '');
  return whole.slice(whole.lastIndexOf('\r') + 1);
}

function add(parts, raw, { colour, isBold }) {
  const text = raw.replace(controls, '');
  if (text === '') return;
  const classes = [...(colour ? [`ansi-${colour}`] : []), ...(isBold ? ['ansi-bold'] : [])];
  parts.push({ text, classes });
}

function restyle(style, codes) {
  const list = codes.split(/[;:]/).map(Number);
  for (let at = 0; at < list.length; at += 1) {
    const code = list[at];
    if (code === 0) Object.assign(style, newStyle());
    else if (code === 1) style.isBold = true;
    else if (code === 22) style.isBold = false;
    else if (code === 39) style.colour = '';
    else if (code >= 30 && code <= 37) style.colour = colours[code - 30];
    else if (code >= 90 && code <= 97) style.colour = colours[code - 90];
    // Colours of a palette or of three bytes are not shown, and their numbers mean nothing else.
    else if (code === 38 || code === 48) at += list[at + 1] === 5 ? 2 : 4;
  }
}
