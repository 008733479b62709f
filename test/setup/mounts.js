/** Finds and ends the mounts below a folder. */
import { readFileSync } from 'node:fs';
import { run } from './command.js';

/** The mount points at or below `folder` in the text of /proc/self/mountinfo, innermost first. */
export function mountsBelow(folder, mountinfo) {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
    )
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .reverse();
}

/** Unmounts everything at or below `folder`; what is still in use goes as soon as its last user does. */
export async function unmountBelow(folder) {
  for (const path of mountsBelow(folder, readFileSync('/proc/self/mountinfo', 'utf8'))) {
    await run('umount', ['--lazy', path]);
  }
}
