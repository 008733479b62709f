/** How the tests are run: quick ones share a worker, the flow has its own and more time, and one line ends the output. */
import { defineConfig } from 'vitest/config';
// @ts-expect-error The set-up is plain JavaScript, since it runs before there is a compiler.
import { createSummaryReporter } from './test/setup/reporter.js';
// @ts-expect-error Vitest loads the sequencer beside the reporter, so it is plain JavaScript too.
import { LongestFirst } from './test/setup/sequencer.js';

/** Run before each file of tests. */
const setupFiles = ['test/support/every-test.ts'];

/** A machine that does much else is slow, and what is true at once costs no time. */
const expect = { poll: { timeout: 25_000 } };

const isRoot = process.getuid?.() === 0;
const tests = 'test/**/*.test.{ts,js}';
const flows = 'test/flow/**/*.test.ts';
const foreign = '**/node_modules/**';
const needRoot = isRoot ? [] : ['test/**/*.root.test.{ts,js}'];

export default defineConfig({
  test: {
    reporters: ['default', createSummaryReporter()],
    sequence: { sequencer: LongestFirst },
    // One more than the build machine has cores, since tests wait for other processes about half of their time.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'parts',
          setupFiles,
          expect,
          include: [tests],
          exclude: [foreign, flows, ...needRoot],
          pool: 'forks',
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'flow',
          setupFiles,
          expect,
          include: [flows],
          exclude: [foreign, ...needRoot],
          pool: 'forks',
          // After the others, whose load would make these wait.
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
