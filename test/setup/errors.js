/** The two ways in which a set-up ends early: something is missing, or somebody stopped it. */

/** The set-up cannot go on; the message is one sentence that names what is missing and the command that mends it. */
export class SetupError extends Error {
  exitCode = 3;
}

/** A signal ended the run; the exit code is the shell's 128 + number. */
export class Interrupted extends Error {
  constructor(signal, number) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
    this.exitCode = 128 + number;
  }
}

/** What to print of an error that ends a set-up: a sentence for what was foreseen, the stack for what was not. */
export function explain(error) {
  return error.exitCode === undefined ? error.stack : `ekiden: ${error.message}`;
}
