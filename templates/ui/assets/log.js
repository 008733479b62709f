/** The viewer of a log: follows it, keeps to the end unless the reader scrolls up, and pauses. */
import { follow } from './follow.js';
import { createLines } from './lines.js';
import { showStep } from './steps.js';

for (const section of document.querySelectorAll('[data-log]')) view(section);

function view(section) {
  const part = (name) => section.querySelector(`[data-log-${name}]`);
  const box = part('lines');
  const state = part('state');
  const cut = () => {
    part('cut').hidden = false;
  };
  const lines = createLines(box, { onCut: cut });
  const log = follow(section.dataset.log, {
    start: (offset, isFirst) => {
      lines.breakOff();
      if (offset > 0 && isFirst) cut();
    },
    text: (text) => lines.add(text),
    note: (note) => lines.breakOff(note),
    state: (words) => {
      if (state.textContent !== words) state.textContent = words;
    },
  });
  toggle(part('pause'), (isPaused) => (isPaused ? log.stop() : log.go()));
  const followEnd = toggle(part('follow'), (isOn) => lines.follow(isOn));
  document.addEventListener('click', ({ target }) => {
    const step = target.closest?.('[data-log-step]')?.dataset.logStep;
    if (step === undefined) return;
    followEnd(false);
    showStep(box, step);
  });
  let top = 0;
  box.addEventListener('scroll', () => {
    // Lines that are drawn only now change the height as well; a reader who leaves the end goes up.
    const isUp = box.scrollTop < top;
    top = box.scrollTop;
    if (lines.isAtEnd()) followEnd(true);
    else if (isUp) followEnd(false);
  });
}

/** A button that stays pressed; answers a function that sets it. */
function toggle(button, change) {
  const set = (isOn) => {
    if ((button.getAttribute('aria-pressed') === 'true') === isOn) return;
    button.setAttribute('aria-pressed', isOn);
    change(isOn);
  };
  button.addEventListener('click', () => set(button.getAttribute('aria-pressed') !== 'true'));
  return set;
}
