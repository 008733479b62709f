/** A Docker daemon of Ekiden's own, for a machine where root has none running. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { searchPath } from './command.js';
import { createDockerApi } from './docker-api.js';
import { removeEverything } from './docker-clean.js';
import { SetupError } from './errors.js';
import { unmountBelow } from './mounts.js';
import { cache } from './paths.js';
import { endProcesses, identify, isAlive, processesWithArgument } from './processes.js';
import { readRecord, writeRecord } from './records.js';

const slots = join(cache, 'docker');
const maxSlots = 32;
const startMs = 60_000;
const stopMs = 20_000;

/**
 * A slot is a data root that one run at a time uses; its base images and layers stay for the next.
 * Sockets and run-time state lie in /run: they must not outlive a reboot, and a socket's path has at most 107 bytes.
 */
function slotAt(number) {
  const folder = join(slots, String(number));
  const runtime = `/run/ekiden-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  return {
    folder,
    runtime,
    host: `unix://${runtime}/docker.sock`,
    owner: join(folder, 'owner.json'),
    log: join(folder, 'dockerd.log'),
    daemon: join(runtime, 'daemon.json'),
    pidFile: join(runtime, 'dockerd.pid'),
  };
}

/** Takes the first slot that no living run has. The caller holds the cache's lock. */
export function claimSlot() {
  for (let number = 0; number < maxSlots; number++) {
    const slot = slotAt(number);
    if (isAlive(readRecord(slot.owner))) continue;
    mkdirSync(slot.folder, { recursive: true });
    writeRecord(slot.owner, identify(process.pid));
    return slot;
  }
  throw new SetupError(`${maxSlots} runs are using a Docker daemon each: end one of them first`);
}

/** The slots that a run left without giving them back. */
export function abandonedSlots() {
  if (!existsSync(slots)) return [];
  return readdirSync(slots)
    .map(slotAt)
    .filter((slot) => existsSync(slot.owner) && !isAlive(readRecord(slot.owner)));
}

/**
 * Gives a client of the slot's daemon with nothing in it but base images. A daemon that outlived its killed run is
 * used as it is; a new one adopts the containers of one that died alone, so that they can be removed like any other.
 */
export async function openSlot(slot, signal) {
  const api = createDockerApi(slot.host);
  if (!(await answers(api))) await start(slot, api, signal);
  await removeEverything(api);
  return api;
}

/** Ends the slot's daemon and all it left, and gives the slot back. */
export async function closeSlot(slot) {
  try {
    await openSlot(slot);
  } finally {
    await endDaemon(slot);
    await endSupervisors(slot);
    await unmountBelow(slot.runtime);
    await unmountBelow(slot.folder);
    rmSync(slot.runtime, { recursive: true, force: true });
  }
  rmSync(slot.owner, { force: true });
}

async function start(slot, api, signal) {
  await endDaemon(slot);
  mkdirSync(slot.runtime, { recursive: true, mode: 0o700 });
  const daemon = spawnDaemon(slot);
  const deadline = Date.now() + startMs;
  while (!(await answers(api))) {
    if (!isAlive(daemon)) throw failed(slot, 'ended while it started');
    if (Date.now() > deadline) throw failed(slot, `did not answer within ${startMs / 1000} s`);
    await sleep(25, undefined, { signal });
  }
}

function spawnDaemon(slot) {
  const log = openSync(slot.log, 'w');
  const child = spawn('dockerd', daemonArguments(slot), {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...process.env, PATH: searchPath },
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
  const daemon = identify(child.pid);
  writeRecord(slot.daemon, daemon);
  return daemon;
}

/** Its containers and their supervisors go on, for the next daemon to adopt. */
async function endDaemon(slot) {
  const recorded = [readRecord(slot.daemon)].filter(Boolean);
  await endProcesses([...recorded, ...processesWithArgument(['dockerd'], slot.runtime)], stopMs);
  rmSync(slot.pidFile, { force: true });
  dropStalePidFile(slot);
}

/** dockerd takes a zombie, or a stranger with the number of its dead containerd, for a containerd that still runs. */
function dropStalePidFile(slot) {
  const file = join(slot.runtime, 'exec/containerd/containerd.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  const isRunning = processesWithArgument(['containerd'], slot.runtime).some(
    (found) => found.pid === pid,
  );
  if (!isRunning) rmSync(file, { force: true });
}

/** What only a killed daemon leaves behind. */
async function endSupervisors(slot) {
  await endProcesses(processesWithArgument(['containerd'], slot.runtime));
}

/** No bridge and no firewall rules of its own: both belong to the machine, which may have other daemons. */
function daemonArguments(slot) {
  return [
    ['--data-root', join(slot.folder, 'data')],
    ['--exec-root', join(slot.runtime, 'exec')],
    ['--pidfile', slot.pidFile],
    ['--host', slot.host],
    ['--bridge', 'none'],
    ['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--live-restore'],
    ['--log-level', 'warn'],
  ].flat();
}

function failed(slot, what) {
  const lastLine = readFileSync(slot.log, 'utf8').trim().split('\n').at(-1);
  return new SetupError(
    `dockerd ${what} (${lastLine}; more in ${slot.log}): mend that or start a Docker daemon yourself`,
  );
}

async function answers(api) {
  try {
    await api.ping();
    return true;
  } catch {
    return false;
  }
}
