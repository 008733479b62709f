/** Files that are either whole and old or whole and new, whenever the machine stops. */
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Only the owner may read what is written. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}
