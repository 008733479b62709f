/** Turns Ctrl-C, SIGTERM and the like into one orderly end. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { Interrupted } from './errors.js';
import { identify, isAlive, parentOf } from './processes.js';

const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** npm passes on a Ctrl-C that the terminal has delivered already, so two signals this close are one. */
const sameSignalMs = 500;
const parentCheckMs = 250;

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
  watchParents(() => firstAt ?? receive('SIGTERM'));
  // A reader that went away, as in `npm test | head`, must not keep the run from being taken down.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return controller.signal;
}

/** A killed npm passes on nothing, and the shell between npm and this process passes on no signal: both are watched. */
function watchParents(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parents = parentsUpToNpm().map(identify);
  setInterval(() => parents.every(isAlive) || onGone(), parentCheckMs).unref();
}

function parentsUpToNpm() {
  const [, flag] = readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').split('\0');
  return flag === '-c' ? [process.ppid, parentOf(process.ppid)] : [process.ppid];
}
