/** Tells what the set-up is doing: a live line on a terminal, plain lines elsewhere, nothing when there is nothing to do. */
import { stripVTControlCharacters } from 'node:util';

/** A step that takes longer than this is announced on a pipe while it still runs. */
const announceAfterMs = 3000;
const redrawMs = 200;

/**
 * Creates a progress writer on `stream` (default: standard error, so that standard output stays the command's own).
 * `step(label, work)` runs `work(report)`, where `report(text)` says what is happening right now,
 * and leaves one line with the step's duration. A `quiet` step leaves no line.
 */
export function createProgress(stream = process.stderr) {
  const running = new Map();
  let timer;

  function draw() {
    const text = [...running.values()].map(describe).join(' · ');
    stream.write(`\r\x1b[2K${text.slice(0, (stream.columns || 80) - 1)}`);
  }

  function announce() {
    for (const step of running.values()) {
      if (step.quiet || step.announced || Date.now() - step.since < announceAfterMs) continue;
      step.announced = true;
      stream.write(`  ${step.label} …\n`);
    }
  }

  function say(line) {
    stream.write(stream.isTTY ? `\r\x1b[2K${line}\n` : `${line}\n`);
  }

  function start(step) {
    running.set(step.label, step);
    timer ??= setInterval(stream.isTTY ? draw : announce, redrawMs);
  }

  function finish(step, mark) {
    running.delete(step.label);
    if (running.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    if (!step.quiet) say(`${mark} ${step.label} (${seconds(step)} s)`);
    else if (stream.isTTY) stream.write('\r\x1b[2K');
  }

  async function step(label, work, { quiet = false } = {}) {
    const entry = { label, quiet, since: Date.now(), detail: '', announced: false };
    start(entry);
    try {
      const result = await work((text) => {
        entry.detail = stripVTControlCharacters(text).trim();
      });
      finish(entry, '✓');
      return result;
    } catch (error) {
      finish(entry, '✗');
      throw error;
    }
  }

  return { say, step };
}

function describe(step) {
  return `  ${step.label} ${Math.round((Date.now() - step.since) / 1000)} s ${step.detail}`.trimEnd();
}

function seconds(step) {
  return ((Date.now() - step.since) / 1000).toFixed(1);
}
