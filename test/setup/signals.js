/** Turns Ctrl-C, SIGTERM and the like into one orderly end. */
import { constants } from 'node:os';
import { Interrupted } from './errors.js';

const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** npm passes on a Ctrl-C that the terminal has delivered already, so two signals this close are one. */
const sameSignalMs = 500;
const parentCheckMs = 1000;

/**
 * Gives an AbortSignal that the first end signal sets off, with an `Interrupted` as its reason. A second one calls
 * `onSecond` and ends the process at once; what it leaves is swept by the next run.
 */
export function watchSignals(onSecond) {
  const controller = new AbortController();
  let firstAt;
  const receive = (name) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      controller.abort(new Interrupted(name, constants.signals[name]));
    } else if (Date.now() - firstAt > sameSignalMs) {
      onSecond();
      process.exit(128 + constants.signals[name]);
    }
  };
  for (const name of endSignals) process.on(name, receive);
  watchParent(() => firstAt ?? receive('SIGTERM'));
  // A reader that went away, as in `npm test | head`, must not keep the run from being taken down.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return controller.signal;
}

/** A killed npm cannot pass on anything: its end is noticed by the new parent. */
function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && onGone(), parentCheckMs).unref();
}
