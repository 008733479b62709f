/** Sees that one engine alone works on a data folder: two would end each other's tasks. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SetupError } from '../core/errors.ts';

type Release = () => void;

/** An engine that was asked to end may need a while. */
const PATIENCE_MS = 3_000;
const RETRY_MS = 100;

/**
 * Takes the folder, which is made where it is not there, for this process until that ends in whatever
 * way, or gives it back. @throws SetupError when another engine has it, or it cannot be written.
 */
export async function claim(data: string): Promise<Release> {
  const folder = await makeFolder(data).catch((error: unknown) => {
    throw new SetupError(`The data folder ${data} cannot be used: ${messageOf(error)}.`, {
      code: 'E_DATA',
      hint: 'Name a folder with --data that the engine may write to.',
      cause: error,
    });
  });
  // A socket of Linux' abstract name space has one owner, and goes with its process.
  const name = `\0ekiden-engine-${createHash('sha256').update(folder).digest('hex')}`;
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const server = createServer().unref();
    server.listen(name);
    const error = await once(server, 'listening').catch((reason: NodeJS.ErrnoException) => reason);
    if (Array.isArray(error)) return () => void server.close();
    if (error.code !== 'EADDRINUSE') throw error;
    if (Date.now() > deadline) {
      throw new SetupError(`Another engine works on ${data}.`, {
        code: 'E_RUNS',
        hint: 'Stop it first, or give this one a --data of its own.',
      });
    }
    await sleep(RETRY_MS);
  }
}

/** The recursive mkdir of Node.js never ends below /proc. */
async function makeFolder(path: string): Promise<string> {
  await mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (error.code !== 'ENOENT' || (await isThere(parent))) throw error;
    await makeFolder(parent);
    await mkdir(path);
  });
  await access(path, constants.W_OK);
  return realpath(path);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
