/** How long something took, for people. */

/** Such as `351 ms`, `1.9 s`, `2 min 5 s`; never 1,000 ms, 60.0 s or 60 s behind a minute. */
export function showSpan(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 59_950) return `${(whole / 1_000).toFixed(1)} s`;
  const seconds = Math.round(whole / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
