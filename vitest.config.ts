/** How the tests are run: quick ones share a worker, the flow has its own and more time, and one line ends the output. */
import { defineConfig } from 'vitest/config';
// @ts-expect-error The set-up is plain JavaScript, since it runs before there is a compiler.
import { createSummaryReporter } from './test/setup/reporter.js';

/** Run before each file of tests. */
const setupFiles = ['test/support/every-test.ts'];

/** A machine that does much else is slow, and what is true at once costs no time. */
const expect = { poll: { timeout: 15_000 } };

const isRoot = process.getuid?.() === 0;
const tests = 'test/**/*.test.{ts,js}';
const flows = 'test/flow/**/*.test.ts';
const foreign = '**/node_modules/**';
const needRoot = isRoot ? [] : ['test/**/*.root.test.{ts,js}'];

export default defineConfig({
  test: {
    reporters: ['default', createSummaryReporter()],
    // Two workers, since the build machine has two cores and most tests wait for other processes anyway.
    maxWorkers: 2,
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
          testTimeout: 30_000,
          hookTimeout: 60_000,
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
          // After the others, whose load would make these wait; two at a time, since they wait most of their time.
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
