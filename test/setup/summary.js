/** The one line that says how a test run went. */
import { readdirSync } from 'node:fs';

/** Writes `{passed, failed, skipped}` as `N passed, N failed`, with the skipped ones where there are any. */
export function formatSummary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** A run that ended badly without a failed test, as when nothing could be started, counts as one failure. */
export function judge(summary, code) {
  const { passed, failed, skipped } = summary ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

/** The test files below `folder` that only root can run. */
export function rootTestsIn(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) =>
    /\.root\.test\.[jt]s$/.test(name),
  );
}
