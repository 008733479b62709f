/** Reading of files that may be absent. */

/** No file can have such a path, or none has it; ELOOP is that of a link to itself. */
const absences = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'];

/** What was read; undefined where there is nothing of that path. */
export async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (absences.includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Of an error of the file system. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
