/** Names processes so that a number used again is never mistaken for them, and ends them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); undefined when it is gone or a zombie. */
function startTimeOf(pid) {
  const fields = statOf(pid);
  return fields.length < 20 || 'ZX'.includes(fields[0]) ? undefined : fields[19];
}

/** The process that started `pid`. */
export function parentOf(pid) {
  return Number(statOf(pid)[1]);
}

/** The fields of /proc/PID/stat from the third on: the second, the name, may hold spaces and brackets. */
function statOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The `{pid, startTime}` by which a process is recorded. */
export function identify(pid) {
  return { pid, startTime: startTimeOf(pid) };
}

/** Tells whether a recorded `{pid, startTime}` still runs. */
export function isAlive(record) {
  const startTime = startTimeOf(record?.pid);
  return startTime !== undefined && startTime === String(record.startTime);
}

/** Every running process whose start environment has one of `settings`, written `NAME=value`. */
export function processesWithSetting(settings) {
  return pids()
    .filter((pid) => pid !== process.pid)
    .filter((pid) =>
      read(`/proc/${pid}/environ`)
        .split('\0')
        .some((entry) => settings.includes(entry)),
    )
    .map(identify)
    .filter(isAlive);
}

/** Every running process called one of `names` that was given `word` somewhere in its arguments. */
export function processesWithArgument(names, word) {
  return pids()
    .filter((pid) => names.some((name) => read(`/proc/${pid}/comm`).startsWith(name)))
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes(word))
    .map(identify)
    .filter(isAlive);
}

/**
 * The recorded process and the others of its group. Of a group whose first process is gone only nginx is taken: its
 * workers outlive a killed master, and anything else may be a stranger's group with the same number.
 */
export function groupOf(record) {
  const members = pids().filter((pid) => Number(statOf(pid)[2]) === record.pid);
  if (isAlive(record)) return members.map(identify).filter(isAlive);
  return members.filter((pid) => read(`/proc/${pid}/comm`) === 'nginx\n').map(identify);
}

/** Asks the recorded processes to end, and kills those that still run after `graceMs`. */
export async function endProcesses(records, graceMs = 5000) {
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 2000],
  ]) {
    const alive = records.filter(isAlive);
    for (const { pid } of alive) kill(pid, signal);
    await gone(alive, waitMs);
  }
}

async function gone(records, waitMs) {
  const deadline = Date.now() + waitMs;
  while (records.some(isAlive) && Date.now() < deadline) await sleep(25);
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone in between, or somebody else's: neither is ours to end.
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}

function pids() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Empty when the process is gone or belongs to somebody else. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
