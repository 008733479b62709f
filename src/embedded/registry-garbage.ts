/** Gives back the room of images that were deleted from the private registry. */
import { execFile } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../core/errors.ts';
import type { EmbeddedOptions } from './redis.ts';

const run = promisify(execFile);

/** Milliseconds; what is not done by then is done at a later start. */
const patience = 600_000;

const markOf = (data: string) => join(data, 'registry', 'collect');

/** Notes that images were deleted; does nothing where the registry is not a private one. */
export async function markGarbage(data: string): Promise<void> {
  const isHere = await access(join(data, 'registry', 'registry.json')).then(
    () => true,
    () => false,
  );
  if (isHere) await writeFile(markOf(data), '');
}

/**
 * Runs the collection of docker-registry where images were deleted since. It is done while the registry
 * does not serve, since an image that is pushed meanwhile could lose its layers. A failure is told, and
 * keeps nothing from starting.
 */
export async function collectGarbage(
  { data, env, log, abandon }: EmbeddedOptions,
  file: string,
): Promise<void> {
  const mark = markOf(data);
  const isWanted = await access(mark).then(
    () => true,
    () => false,
  );
  // A registry that nothing was pushed to has no folder, which its collection takes for an error.
  if (!isWanted) return;
  try {
    await mkdir(join(data, 'registry/data/docker/registry/v2/repositories'), { recursive: true });
    await run('docker-registry', ['garbage-collect', file], {
      ...{ env, timeout: patience, maxBuffer: 64 * 1024 * 1024 },
      ...(abandon ? { signal: abandon } : {}),
    });
    await rm(mark, { force: true });
    log.info({}, 'the registry has given back the room of deleted images');
  } catch (error) {
    abandon?.throwIfAborted();
    log.warn({ error: messageOf(error).slice(0, 500) }, 'the registry cannot give back room');
  }
}
