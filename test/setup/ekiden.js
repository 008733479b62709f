/** `npm run -s ekiden -- ARGUMENTS`: the command line, compiled first where it needs to be. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { explain } from './errors.js';
import { prepareCheckout } from './machine.js';
import { root } from './paths.js';
import { createProgress } from './progress.js';

const cli = join(root, 'dist/runners/cli.js');

await prepare();
// Files named on the command line are meant from where npm was called.
process.chdir(resolve(process.env.INIT_CWD ?? '.'));
process.argv[1] = cli;
await import(pathToFileURL(cli));

async function prepare() {
  try {
    await prepareCheckout({ progress: createProgress() });
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(error.exitCode ?? 3);
  }
}
