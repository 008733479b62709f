/** How answers look on a terminal, and plainly where there is none. */
import pc from 'picocolors';

/** Colours on a terminal alone, and not where NO_COLOR forbids them. */
export const colours = pc.createColors(process.stdout.isTTY === true && pc.isColorSupported);

/** Words of states that people look for. */
const good = new Set(['healthy', 'succeeded', 'arrived', 'good']);
const bad = new Set(['failed', 'down', 'unhealthy', 'refused', 'bad']);
const between = new Set([
  'degraded',
  'deploying',
  'running',
  'queued',
  'starting',
  'waits',
  'trying',
]);

/** A state in the colour of its kind. */
export function coloured(state: string): string {
  if (good.has(state)) return colours.green(state);
  if (bad.has(state)) return colours.red(state);
  return between.has(state) ? colours.yellow(state) : colours.dim(state);
}

/** The first row of a table. */
export function heads(names: string[]): string[] {
  return names.map((name) => colours.dim(name));
}

/** One line without what would move the cursor: reasons may repeat anything that an app printed. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

/** Such as `12 s`, `5 min`, `3 h` or `9 days`. */
export function spanOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** How long ago a time of the API was. */
export function agoOf(time: string): string {
  return `${spanOf(Date.now() - Date.parse(time))} ago`;
}

/** Tells how something goes on: on a terminal in one line, else in a line for each change. */
export interface ProgressLine {
  /** `since` is told on a terminal alone, since it makes each line another one. */
  show(text: string, since: string): void;
  /** Leaves the place to what is printed next. */
  end(): void;
}

/** It goes to standard error, so that answers can be piped. */
export function createProgressLine(stream = process.stderr): ProgressLine {
  let last = '';
  return {
    show(text, since) {
      const line = `${since.padEnd(6)} ${text}`;
      if (stream.isTTY) stream.write(`\r\x1b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      else if (text !== last) stream.write(`${text}\n`);
      last = text;
    },
    end() {
      if (stream.isTTY && last !== '') stream.write('\r\x1b[2K');
      last = '';
    },
  };
}
