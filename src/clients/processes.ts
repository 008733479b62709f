/** Looks up processes in /proc, by identity (id and start time) or by their group. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** One process for good: ids are used again, start times (field 22 of /proc/pid/stat) are not. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

export interface ProcessInfo extends ProcessIdentity {
  parent: number;
  group: number;
  title: string;
}

export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const info = await infoOf(pid);
  return info && { pid, startTime: info.startTime };
}

export async function isAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await infoOf(pid))?.startTime === startTime;
}

/** All processes of the group but zombies, also when the leader is gone. */
export async function groupMembers(group: number): Promise<ProcessInfo[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const infos = await Promise.all(ids.map((id) => infoOf(Number(id))));
  return infos.filter((info) => info !== undefined).filter((info) => info.group === group);
}

/** Ends the group's processes that `which` picks: SIGTERM, then SIGKILL after `graceMs`. */
export async function endGroup(
  group: number,
  which: (info: ProcessInfo) => boolean,
  graceMs = 5_000,
): Promise<void> {
  const start = Date.now();
  for (let asked = false; ; asked = true) {
    const left = (await groupMembers(group)).filter(which);
    if (left.length === 0) return;
    const waited = Date.now() - start;
    if (waited > 2 * graceMs) return;
    if (!asked) for (const { pid } of left) signal(pid, 'SIGTERM');
    if (waited > graceMs) for (const { pid } of left) signal(pid, 'SIGKILL');
    await delay(20);
  }
}

/** A process that has ended meanwhile needs no signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    return;
  }
}

async function infoOf(pid: number): Promise<ProcessInfo | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold blanks, so fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  if (state === undefined || parent === undefined || state === 'Z') return undefined;
  const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const startTime = fields[19] ?? '';
  return { pid, startTime, parent: Number(parent), group: Number(group), title };
}
