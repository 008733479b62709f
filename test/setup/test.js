/** `npm test [-- vitest's arguments]`: sets up the machine and runs the tests in it. */
import { join } from 'node:path';
import { explain } from './errors.js';
import { root } from './paths.js';
import { readRecord } from './records.js';
import { runSession } from './session.js';
import { formatSummary, judge, rootTestsIn } from './summary.js';

const args = process.argv.slice(2);
let summary;

const exitCode = await runTests();
tellWhatNeedsRoot();
process.stdout.write(`${formatSummary(judge(summary, exitCode))}\n`);
process.exit(exitCode);

async function runTests() {
  try {
    return await runSession({ kind: 'test', program });
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return error.exitCode ?? 3;
  }
}

function program({ install, data, images }) {
  const summaryFile = join(data, 'summary.json');
  return {
    args: [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args],
    cwd: root,
    env: {
      EKIDEN_TEST_INSTALL: install,
      EKIDEN_TEST_DATA: data,
      EKIDEN_TEST_BUSYBOX: images.busybox,
      EKIDEN_TEST_NODE: images.node,
      EKIDEN_TEST_SUMMARY: summaryFile,
    },
    onEnd: () => {
      summary = readRecord(summaryFile);
    },
  };
}

function tellWhatNeedsRoot() {
  const count = process.getuid() === 0 ? 0 : rootTestsIn(join(root, 'test')).length;
  if (count === 0) return;
  const command = 'sudo env "PATH=$PATH" npm test -- .root.test';
  process.stdout.write(
    `left out, because they need root: ${count} test files; run them with ${command}\n`,
  );
}
