/** `npm run demo`: sets up the machine and runs the demo in it. */
import { join, resolve } from 'node:path';
import { explain } from './errors.js';
import { root } from './paths.js';
import { runSession } from './session.js';

const args = process.argv.slice(2);
const once = args.includes('--once');
const report = once ? createReport() : undefined;

process.exit(await runDemo());

async function runDemo() {
  try {
    const code = await runSession({ kind: 'demo', program });
    report?.ensure(`the demo ended with code ${code} before it could report`);
    return code;
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    report?.ensure(error.message);
    return error.exitCode ?? 3;
  }
}

function program({ install, data, images }) {
  return {
    args: [join(root, 'dist/test/demo/main.js'), ...args],
    // Files named on the command line are meant from where npm was called.
    cwd: resolve(process.env.INIT_CWD ?? '.'),
    env: {
      EKIDEN_DEMO_INSTALL: install,
      EKIDEN_DEMO_DATA: data,
      EKIDEN_DEMO_BUSYBOX: images.busybox,
      EKIDEN_DEMO_NODE: images.node,
    },
    onOutput: report?.pass,
  };
}

/** Passes the demo's output on and makes sure that its last line is the JSON object that `--once` promises. */
function createReport() {
  let end = '';
  return {
    pass(chunk) {
      process.stdout.write(chunk);
      end = (end + chunk).slice(-65_536);
    },
    ensure(error) {
      if (!isReport(end.trimEnd().split('\n').at(-1))) {
        process.stdout.write(`\n${JSON.stringify({ ok: false, error })}\n`);
      }
    },
  };
}

function isReport(line) {
  try {
    return typeof JSON.parse(line).ok === 'boolean';
  } catch {
    return false;
  }
}
