/** Gives the engine of `ekiden up` the login for the registry of images, as a file that only its user reads. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface RegistryLogin {
  registryUrl?: string | undefined;
  registryUser?: string | undefined;
  registryPassword?: string | undefined;
}

/**
 * Writes `<data>/docker-config.json` in the form of Docker's own config.json and answers its path;
 * undefined where there is no login, and then no old file stays either.
 */
export async function writeEngineLogin(
  data: string,
  { registryUrl, registryUser, registryPassword }: RegistryLogin,
): Promise<string | undefined> {
  const file = join(data, 'docker-config.json');
  if (!registryUrl || !registryUser || !registryPassword) {
    await rm(file, { force: true });
    return undefined;
  }
  const auth = Buffer.from(`${registryUser}:${registryPassword}`).toString('base64');
  await mkdir(data, { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify({ auths: { [registryUrl]: { auth } } }), {
    mode: 0o600,
  });
  await rename(`${file}.new`, file);
  return file;
}
