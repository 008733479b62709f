/** Writes what a command answers to standard output. */

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes bytes as they are; whoever reads them may have had enough of them before the end. */
export async function printBytes(bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const { stdout } = process;
    stdout.once('error', reject);
    stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
