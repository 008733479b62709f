/** Compares GitLab versions, so that one stand-in can answer as several releases do. */

/** True where `version` (such as `18.3.1` or `19.0.0-pre`) is at least `major.minor`. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
