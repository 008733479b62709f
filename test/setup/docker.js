/** Decides which Docker daemon a run uses: one that is there, else one of the set-up's own. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, run } from './command.js';
import { createDockerApi, isRecent, oldestApi } from './docker-api.js';
import { SetupError } from './errors.js';
import { claimSlot, openSlot } from './own-docker.js';

const usualHost = 'unix:///var/run/docker.sock';
const loopback = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Asks the daemons that DOCKER_HOST and the usual socket name. Gives `{api}` of the first that can be used, else the
 * `problem` of each, by the error code of its answer.
 */
export async function findDocker() {
  const problems = [];
  for (const host of new Set([process.env.DOCKER_HOST || usualHost, usualHost])) {
    const { api, problem } = await ask(host);
    if (api) return { api, problems };
    problems.push(problem);
  }
  return { problems };
}

async function ask(host) {
  if (!isLocal(host)) return { problem: { host, code: 'remote' } };
  try {
    const api = createDockerApi(host);
    const version = await api.ping();
    return isRecent(version) ? { api } : { problem: { host, code: 'old', version } };
  } catch (error) {
    return { problem: { host, code: error.code ?? error.message } };
  }
}

/** Apps are reached at their containers' own addresses, so the daemon must run on this machine. */
function isLocal(host) {
  if (host.startsWith('/') || host.startsWith('unix://')) return true;
  return (
    URL.canParse(host) &&
    new URL(host).protocol === 'tcp:' &&
    loopback.includes(new URL(host).hostname)
  );
}

/**
 * Gives `{api, slot}` of a daemon that answers; `slot` is there when the daemon is the set-up's own, and must be closed.
 * The caller holds the cache's lock.
 */
export async function openDocker({ progress, signal, isRoot }) {
  const found = await findDocker();
  if (found.api) return { api: found.api };
  const old = found.problems.find((problem) => problem.code === 'old');
  if (old) {
    throw new SetupError(
      `Docker at ${old.host} speaks API ${old.version}, Ekiden needs ${oldestApi}: upgrade it to Docker 20.10 or newer`,
    );
  }
  if (!isRoot) throw unreachable(found.problems);
  const started = await startService({ progress, signal });
  if (started) return { api: started };
  const slot = claimSlot();
  return { api: await progress.step('Docker', () => openSlot(slot, signal)), slot };
}

/** The error that tells a plain user how to get at Docker, from the `problems` of findDocker. */
export function unreachable(problems) {
  const denied = problems.find((problem) => problem.code === 'EACCES' || problem.code === 'EPERM');
  if (denied) {
    return new SetupError(
      `this user may not use Docker at ${denied.host}: sudo usermod -aG docker $USER, then log in again`,
    );
  }
  const start = hasSystemd() ? 'sudo systemctl start docker' : 'sudo service docker start';
  const hosts = problems.map((problem) => `${problem.host} (${problem.code})`).join(', ');
  return new SetupError(`no Docker daemon of this machine answers at ${hosts}: ${start}`);
}

function hasSystemd() {
  return existsSync('/run/systemd/system');
}

/** Starts the machine's own Docker where systemd keeps it; gives nothing where that does not work. */
async function startService({ progress, signal }) {
  if (!hasSystemd()) return undefined;
  return progress.step('Docker service', async () => {
    try {
      await run('systemctl', ['start', 'docker'], { signal });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return undefined;
    }
    for (let attempt = 0; attempt < 100; attempt++) {
      const { api } = await findDocker();
      if (api) return api;
      await sleep(100, undefined, { signal });
    }
    return undefined;
  });
}
