/** Brings the machine to where a run can start, and back to where it was after the run. */
import { mkdirSync } from 'node:fs';
import { ensureBaseImages } from './base-images.js';
import { ensureCompiled } from './compile.js';
import { ensureDebianPackages, thisMachine } from './debian-packages.js';
import { findDocker, openDocker, unreachable } from './docker.js';
import { SetupError } from './errors.js';
import { abandonedRuns, createInstall, endRunProcesses, removeRun } from './install.js';
import { withLock } from './lock.js';
import { ensureNpmPackages } from './npm-packages.js';
import { abandonedSlots, closeSlot } from './own-docker.js';
import { cache, root } from './paths.js';

/** Installs and compiles all that the checkout itself needs. */
export async function prepareCheckout(context) {
  try {
    await ensureNpmPackages(context);
    await ensureCompiled(context);
  } catch (error) {
    throw refusals.has(error.code) ? notOurs(error) : error;
  }
}

const refusals = new Set(['EACCES', 'EPERM', 'EROFS']);

/** A checkout that somebody else made, root for example. */
function notOurs({ path = root }) {
  return new SetupError(
    `${path} cannot be written by this user: give the checkout to yourself with sudo chown -R "$(id -un)" '${root}', or run as its owner`,
  );
}

/**
 * Prepares everything a run of `kind` needs. Gives `{install, data, dockerHost, images: {busybox, node}, isRoot,
 * remove}`; `remove()` takes away all that the run made, the set-up's own Docker daemon included.
 */
export async function prepareMachine({ kind, progress, signal }) {
  const isRoot = process.getuid() === 0;
  await bothOrNeither(
    (each) => prepareCheckout({ progress, signal: each }),
    (each) => preparePackages({ progress, signal: each, kind, isRoot }),
    signal,
  );
  makeCache();
  const context = { kind, progress, signal, isRoot };
  const onWait = () => progress.say('  another set-up is at work: waiting for it …');
  return withLock(cache, { signal, onWait }, () => prepareRun(context));
}

async function preparePackages({ progress, signal, kind, isRoot }) {
  const { api, problems } = await findDocker();
  const machine = thisMachine(api !== undefined);
  await ensureDebianPackages({ progress, signal, kind, isRoot, machine });
  if (!isRoot && !api) throw unreachable(problems);
}

async function prepareRun({ kind, progress, signal, isRoot }) {
  await Promise.all(abandonedRuns().map(endRunProcesses));
  const { api, slot } = await openDocker({ progress, signal, isRoot });
  try {
    const images = await ensureBaseImages({ api, progress, signal });
    const context = { api, image: images.busybox, isRoot };
    await sweep(context, progress);
    const run = createInstall({ kind, dockerHost: api.host });
    const remove = () => takeDown(run, context, slot);
    return { ...run, dockerHost: api.host, images, isRoot, remove };
  } catch (error) {
    if (slot) await closeSlot(slot);
    throw error;
  }
}

/** Removes what killed runs left; one that cannot be removed now is told, and tried again by the next set-up. */
async function sweep(context, progress) {
  const leftovers = [
    ...abandonedSlots().map((slot) => ({ name: slot.folder, remove: () => closeSlot(slot) })),
    ...abandonedRuns().map((run) => ({ name: run.install, remove: () => removeRun(run, context) })),
  ];
  if (leftovers.length === 0) return;
  await progress.step('clear up after a killed run', async () => {
    for (const { name, remove } of leftovers) {
      await remove().catch((error) =>
        progress.say(`! ${name} could not be cleared: ${error.message}`),
      );
    }
  });
}

async function takeDown(run, context, slot) {
  await endRunProcesses(run);
  await removeRun(run, context);
  if (slot) await closeSlot(slot);
}

function makeCache() {
  try {
    mkdirSync(cache, { recursive: true });
  } catch (error) {
    throw new SetupError(
      `the cache folder ${cache} cannot be made (${error.code}): set XDG_CACHE_HOME to a folder you can write to`,
    );
  }
}

/** Does both side by side; when one fails the other is stopped, and its end awaited. */
async function bothOrNeither(first, second, signal) {
  const stop = new AbortController();
  const each = AbortSignal.any([signal, stop.signal]);
  const tasks = [first, second].map((task) =>
    task(each).catch((error) => {
      stop.abort(error);
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(tasks)).find(({ status }) => status === 'rejected');
  if (failed) throw stop.signal.reason ?? failed.reason;
}
