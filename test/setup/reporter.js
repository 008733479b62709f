/** A Vitest reporter that ends the whole output with one line: `N passed, N failed`. */
import { writeFileSync } from 'node:fs';
import { formatSummary, judge } from './summary.js';

/**
 * Creates the reporter. Where EKIDEN_TEST_SUMMARY names a file, the numbers go there instead, for the set-up that
 * started Vitest and has the last word.
 */
export function createSummaryReporter() {
  let summary;
  process.once('exit', (code) => {
    const judged = judge(summary, code);
    const file = process.env.EKIDEN_TEST_SUMMARY;
    if (file) writeFileSync(file, JSON.stringify(judged));
    else process.stdout.write(`${formatSummary(judged)}\n`);
    if (judged.failed > 0) process.exitCode = code || 1;
  });
  return {
    onTestRunEnd(modules, unhandledErrors) {
      summary = count(modules, unhandledErrors);
      if (summary.failed > 0) process.exitCode = 1;
    },
  };
}

/** Besides failed tests, each file or group that could not be collected or set up and each stray error is a failure. */
function count(modules, unhandledErrors) {
  const summary = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const module of modules) {
    for (const group of [module, ...module.children.allSuites()]) {
      if (group.errors().length > 0) summary.failed += 1;
    }
    for (const test of module.children.allTests()) summary[keyOf(test.result().state)] += 1;
  }
  return summary;
}

/** A test that was never run because its group failed is still pending. */
function keyOf(state) {
  return state === 'passed' || state === 'failed' ? state : 'skipped';
}
