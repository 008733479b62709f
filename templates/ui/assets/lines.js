/** Shows lines as they come: the last 50,000 of them, in pieces that the browser draws when they are seen. */
import { newStyle, partsOf } from './ansi.js';

const pieceSize = 500;
const most = 50_000;

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
  let piece;
  let inPiece = 0;
  let held = '';

  const begin = () => {
    // What is complete keeps its height, and is drawn where it is seen.
    piece?.classList.add('full');
    piece = document.createElement('pre');
    inPiece = 0;
    tail.before(piece);
    if (box.childElementCount - 1 <= most / pieceSize) return;
    box.firstElementChild.remove();
    onCut();
  };
  const append = (line) => {
    if (!piece || inPiece === pieceSize) begin();
    piece.append(...nodesOf(line, style), '\n');
    inPiece += 1;
  };

  return {
    draw(text) {
      const lines = (held + text).split('\n');
      held = lines.pop().slice(-longestTail);
      if (lines.length > most) onCut();
      for (const line of lines.slice(-most)) append(line);
      tail.replaceChildren(...nodesOf(held, { ...style }));
    },
    /** Leaves out all that was drawn, since what is drawn next does not go on from there. */
    clear() {
      box.replaceChildren(tail);
      Object.assign(style, newStyle());
      piece = undefined;
      held = '';
    },
  };
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
