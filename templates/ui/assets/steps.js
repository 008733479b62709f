/** Goes from a step of a build to its place in the log. */

/** Does nothing where the step is not among the lines that are shown. */
export function showStep(box, number) {
  const start = new RegExp(`^\\d\\d:\\d\\d:\\d\\d #${number} `, 'm');
  const piece = [...box.children].find(({ textContent }) => start.test(textContent));
  const place = piece && placeOf(piece, piece.textContent.search(start));
  if (!place) return;
  box.scrollTop += place.top - box.getBoundingClientRect().top;
  box.scrollIntoView({ block: 'nearest' });
  box.focus({ preventScroll: true });
}

/** Where a character of an element is on the screen. */
function placeOf(element, offset) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (offset < before + text.length) {
      const range = document.createRange();
      range.setStart(text, offset - before);
      range.setEnd(text, offset - before + 1);
      return range.getBoundingClientRect();
    }
    before += text.length;
  }
  return undefined;
}
