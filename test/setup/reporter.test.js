/** Tests of the line that ends a test run, with real runs of Vitest. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './paths.js';
import { formatSummary, judge } from './summary.js';

const folder = mkdtempSync(join(tmpdir(), 'ekiden-reporter-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs Vitest on one file with the given text; gives its exit code and its last line. */
function runVitest(name, text) {
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, 'a.test.js'), text);
  writeFileSync(
    join(place, 'vitest.config.js'),
    `import { createSummaryReporter } from ${JSON.stringify(join(root, 'test/setup/reporter.js'))};
     export default { test: { globals: true, reporters: ['default', createSummaryReporter()] } };`,
  );
  const { EKIDEN_TEST_SUMMARY: _, ...env } = process.env;
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', '--root', place], {
    env,
    encoding: 'utf8',
  });
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

describe('the summary reporter', () => {
  it.each([
    ['passed', `it('a', () => {}); it.skip('b', () => {});`, 0, '1 passed, 0 failed, 1 skipped'],
    [
      'failed',
      `it('a', () => {}); it('b', () => { throw new Error('no') });`,
      1,
      '1 passed, 1 failed',
    ],
    ['not collected', `throw new Error('no');`, 1, '0 passed, 1 failed'],
    [
      'not set up',
      `describe('d', () => { beforeAll(() => { throw new Error('no') }); it('a', () => {}) });`,
      1,
      '0 passed, 1 failed, 1 skipped',
    ],
    [
      'stray error',
      `it('a', () => { setTimeout(() => { throw new Error('no') }) }); it('b', () => new Promise((r) => setTimeout(r, 50)));`,
      1,
      '2 passed, 1 failed',
    ],
  ])('ends a run that %s', (name, text, status, lastLine) => {
    expect(runVitest(name, text)).toEqual({ status, lastLine });
  });

  it('counts a run that ended badly without a word as one failure', () => {
    expect(formatSummary(judge(undefined, 1))).toBe('0 passed, 1 failed');
    expect(formatSummary(judge({ passed: 2, failed: 0, skipped: 0 }, 1))).toBe(
      '2 passed, 1 failed',
    );
    expect(formatSummary(judge({ passed: 2, failed: 0, skipped: 0 }, 0))).toBe(
      '2 passed, 0 failed',
    );
  });
});
