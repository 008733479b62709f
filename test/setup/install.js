/** An install: all that one run makes, held together by its id, so that it can be removed as a whole. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createDockerApi } from './docker-api.js';
import { removeInstall } from './docker-clean.js';
import { unmountBelow } from './mounts.js';
import { runs } from './paths.js';
import {
  endProcesses,
  groupOf,
  identify,
  isAlive,
  processesWithArgument,
  processesWithSetting,
} from './processes.js';
import { readRecord, writeRecord } from './records.js';

/** The names under which children are told the id of their install. */
const settings = ['EKIDEN_TEST_INSTALL', 'EKIDEN_DEMO_INSTALL'];

/** Programs that Ekiden starts with a path of the run's folder in their arguments; no reader's pager is among them. */
const servers = ['nginx', 'redis-server', 'docker-registry'];

/**
 * Makes the folder of a new run of `kind` (`test`, `demo` …) that uses the daemon at `dockerHost`. Gives
 * `{install, folder, data}`: the id, the run's folder, and the part of it that is for the run's own files.
 * The caller holds the cache's lock.
 */
export function createInstall({ kind, dockerHost }) {
  const install = `${kind}-${randomBytes(4).toString('hex')}`;
  const run = runOf(install);
  mkdirSync(join(run.data, 'run'), { recursive: true });
  writeRecord(join(run.folder, 'owner.json'), { ...identify(process.pid), dockerHost });
  return run;
}

/** Every run whose owner has ended without removing it. */
export function abandonedRuns() {
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .map(runOf)
    .filter((run) => !isAlive(ownerOf(run)));
}

/** Ends every process that the run recorded, that inherited its settings, or that serves from its folder. */
export async function endRunProcesses(run) {
  await endProcesses(processesOf(run));
  // Whoever was asked to end may have started others in the meantime.
  await endProcesses(processesOf(run));
}

/**
 * Removes what the run made in Docker, its mounts and its folder; `image` is a busybox image of `api`, for files that
 * only a container's root may remove. When the run used a daemon that does not answer now, its record stays.
 */
export async function removeRun(run, { api, image, isRoot }) {
  const dockerHost = ownerOf(run)?.dockerHost;
  const cleaned = await removeFromDocker(run, dockerHost, api);
  if (isRoot) await unmountBelow(run.folder);
  await removeFolder(run.data, { api, image });
  if (cleaned) await removeFolder(run.folder, { api, image });
}

async function removeFromDocker(run, dockerHost, api) {
  if (dockerHost === undefined) return true;
  const used = dockerHost === api.host ? api : createDockerApi(dockerHost);
  if (used !== api && !(await answers(used))) return isOwn(dockerHost);
  await removeInstall(used, run.install);
  return true;
}

/** A daemon of the set-up's own is emptied when its slot is swept. */
function isOwn(dockerHost) {
  return dockerHost.startsWith('unix:///run/ekiden-');
}

function runOf(install) {
  const folder = join(runs, install);
  return { install, folder, data: join(folder, 'data') };
}

function ownerOf(run) {
  return readRecord(join(run.folder, 'owner.json'));
}

/** Each of the three finds what the others miss: children are given no settings, and a test may remove its records. */
function processesOf(run) {
  const recorded = recordsBelow(run.data).flatMap(groupOf);
  const inheriting = processesWithSetting(settings.map((name) => `${name}=${run.install}`));
  const serving = processesWithArgument(servers, `${run.folder}/`).flatMap(groupOf);
  return [...recorded, ...inheriting, ...serving];
}

/** The records `run/<name>.json` of the run's data folder and of those that its tests made in it. */
function recordsBelow(data) {
  if (!existsSync(data)) return [];
  return globRecords(data)
    .map((name) => readRecord(join(data, name)))
    .filter(Boolean);
}

function globRecords(data) {
  try {
    const names = readdirSync(data, { recursive: true });
    return names.filter((name) => /(^|\/)run\/[^/]+\.json$/.test(name));
  } catch (error) {
    // A folder that a container's root closed to us, or that was removed meanwhile, hides the others: take the plain ones.
    if (error.code !== 'EACCES' && error.code !== 'ENOENT') throw error;
    return existsSync(join(data, 'run'))
      ? readdirSync(join(data, 'run')).map((name) => `run/${name}`)
      : [];
  }
}

async function removeFolder(folder, { api, image }) {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
    await removeAsRoot(folder, { api, image });
  }
}

async function removeAsRoot(folder, { api, image }) {
  const settings = {
    Image: image,
    Cmd: ['rm', '-rf', `/parent/${basename(folder)}`],
    HostConfig: { Binds: [`${dirname(folder)}:/parent`], NetworkMode: 'none' },
  };
  const { Id } = JSON.parse(await api.post('/containers/create', settings));
  try {
    await api.post(`/containers/${Id}/start`);
    await api.post(`/containers/${Id}/wait`);
  } finally {
    await api.remove(`/containers/${Id}?force=1`);
  }
}

async function answers(api) {
  try {
    await api.ping();
    return true;
  } catch {
    return false;
  }
}
