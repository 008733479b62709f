/** Lets one set-up at a time do a piece of work, by the kernel's file locks, which end with their owner. */
import { closeSync, openSync } from 'node:fs';
import { CommandError, run } from './command.js';

const waitSeconds = 900;

/**
 * Runs `work(fd)` while holding the lock of the existing file or folder `path`. flock(1) locks the open file, not the
 * process, so the lock holds until `fd` and every copy handed to a child is closed: a child that outlives a killed
 * set-up keeps others out. `onWait` is called when somebody else holds the lock.
 */
export async function withLock(path, { signal, onWait }, work) {
  const fd = openSync(path, 'r');
  try {
    if (!(await tryLock(fd, ['--nonblock'], signal))) {
      onWait?.();
      const got = await tryLock(fd, ['--timeout', String(waitSeconds)], signal);
      if (!got) throw new Error(`the lock of ${path} was not free within ${waitSeconds} s`);
    }
    return await work(fd);
  } finally {
    closeSync(fd);
  }
}

async function tryLock(fd, how, signal) {
  try {
    await run('flock', [...how, '3'], { fds: [fd], signal });
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.code === 1) return false;
    throw error;
  }
}
