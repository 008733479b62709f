/** Shows the last lines as they come, in pieces that the browser draws when they are seen. */
import { longestLine, newStyle, partsOf } from './ansi.js';

/** Of one piece, and of all: lines, and their size. The piece that grows is laid out with each frame. */
const largest = { lines: 500, size: 100_000 };
const most = { lines: 50_000, size: 20_000_000 };

/** What an element or a text costs besides its characters. */
const nodeSize = 100;

/** A line without an end may be long; more of it is not kept. */
const longestTail = 100_000;

/** Characters that wait for a frame, which a tab that is hidden does not get. */
const mostWaiting = 4_000_000;

/** `onCut` is told once lines were left out. */
export function createLines(box, { onCut }) {
  const pieces = createPieces(box, onCut);
  let waiting = [];
  let waitingSize = 0;
  let isFollowing = true;
  let isLineOpen = false;

  const toEnd = () => {
    box.scrollTop = box.scrollHeight;
  };
  const draw = () => {
    pieces.draw(waiting.join(''));
    waiting = [];
    waitingSize = 0;
    if (isFollowing) toEnd();
  };
  const leaveOutOldest = () => {
    while (waitingSize > mostWaiting && waiting.length > 1) waitingSize -= waiting.shift().length;
    pieces.clear();
    onCut();
  };

  return {
    /** Drawing waits for the next frame, however many pieces of text come before. */
    add(text) {
      if (text === '') return;
      isLineOpen = !text.endsWith('\n');
      waitingSize += text.length;
      if (waiting.push(text) === 1) requestAnimationFrame(draw);
      if (waitingSize > mostWaiting) leaveOutOldest();
    },
    /** Ends the line and the style: what follows belongs to another place or file. */
    breakOff(note) {
      this.add(`${isLineOpen ? '\n' : ''}${note ? `\x1b[0m— ${note} —\n` : ''}`);
    },
    follow(wanted) {
      isFollowing = wanted;
      if (wanted) toEnd();
    },
    isAtEnd: () => box.scrollHeight - box.scrollTop - box.clientHeight < 40,
  };
}

/** Whole lines, some hundred to an element, and after them the one that has no end yet. */
function createPieces(box, onCut) {
  const tail = document.createElement('pre');
  tail.className = 'tail';
  box.append(tail);
  const style = newStyle();
  let stack = createStack(tail, onCut);
  let held = '';

  return {
    draw(text) {
      const lines = (held + text).split('\n');
      held = lines.pop().slice(-longestTail);
      if (lines.length > most.lines) onCut();
      for (const line of lines.slice(-most.lines)) stack.add(line, style);
      stack.leaveOutOldest();
      tail.replaceChildren(...nodesOf(held, { ...style }));
    },
    /** Leaves out all that was drawn, since what is drawn next does not go on from there. */
    clear() {
      box.replaceChildren(tail);
      Object.assign(style, newStyle());
      stack = createStack(tail, onCut);
      held = '';
    },
  };
}

/** The elements of whole lines, each before `tail`. */
function createStack(tail, onCut) {
  const pieces = [];
  const kept = { lines: 0, size: 0 };

  const count = (sum, { lines, size }, sign = 1) => {
    sum.lines += sign * lines;
    sum.size += sign * size;
  };
  const begin = () => {
    // What is complete keeps its height, and is drawn where it is seen.
    pieces.at(-1)?.element.classList.add('full');
    pieces.push({ element: document.createElement('pre'), lines: 0, size: 0 });
    tail.before(pieces.at(-1).element);
  };

  return {
    add(line, style) {
      if (pieces.length === 0 || isBeyond(pieces.at(-1), largest)) begin();
      const nodes = nodesOf(line, style);
      pieces.at(-1).element.append(...nodes, '\n');
      const size = nodes.length * nodeSize + Math.min(line.length, longestLine);
      for (const sum of [pieces.at(-1), kept]) count(sum, { lines: 1, size });
    },
    leaveOutOldest() {
      while (isBeyond(kept, most)) {
        const oldest = pieces.shift();
        oldest.element.remove();
        count(kept, oldest, -1);
        onCut();
      }
    },
  };
}

function isBeyond({ lines, size }, limit) {
  return lines >= limit.lines || size >= limit.size;
}

function nodesOf(line, style) {
  return partsOf(line, style).map(({ text, classes }) => {
    if (classes.length === 0) return text;
    const span = document.createElement('span');
    span.className = classes.join(' ');
    span.textContent = text;
    return span;
  });
}
