/** Writes what a command answers to standard output. */

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
