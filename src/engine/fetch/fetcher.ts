/** Fetches what an app names under `fetch` into the sandbox of a task, as Mesos does before the start. */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, RemoteError } from '../../core/errors.ts';
import { type Artifact, packingOf, shownUri, sourceOf, targetOf } from './artifact.ts';
import { download } from './download.ts';
import { unpack } from './unpack.ts';
import { ensureInside } from './unzip.ts';

/** All but those that stall come to an end; an app that has to wait longer wants an image. */
const PATIENCE_MS = 15 * 60_000;

/** One after another, since a later one may lie in a folder of an earlier. @throws RemoteError */
export async function fetchInto(
  sandbox: string,
  artifacts: Artifact[],
  signal: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  const either = AbortSignal.any([signal, late]);
  for (const artifact of artifacts) {
    await fetchOne(sandbox, artifact, either).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      const why = late.aborted ? 'it took longer than 15 minutes' : messageOf(error);
      throw new RemoteError(`Cannot fetch ${shownUri(artifact.uri)}: ${why}`, {
        code: 'E_ENGINE_FETCH',
        cause: error,
      });
    });
  }
}

async function fetchOne(folder: string, artifact: Artifact, signal: AbortSignal): Promise<void> {
  const source = sourceOf(artifact.uri);
  if (!source) throw new Error('the engine reads http, https and file addresses only');
  const path = join(folder, targetOf(artifact));
  await mkdir(dirname(path), { recursive: true });
  await ensureInside(folder, dirname(path));
  // What lies there already may be a link.
  await unlink(path).catch(unlessMissing);
  await download(source, path, signal);
  const packing = artifact.extract && !artifact.executable ? packingOf(path) : undefined;
  if (artifact.executable) await chmod(path, 0o755);
  else if (packing) await unpack(packing, { path, folder, signal });
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
