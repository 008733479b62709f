/** Sees that one Ekiden alone runs on a data folder: two would end each other's parts. */
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecord } from '../clients/process-records.ts';
import { identityOf, isAlive } from '../clients/processes.ts';
import { messageOf, SetupError } from '../core/errors.ts';

/** Each try that fails has met another process that took the folder in the same moment. */
const mostTries = 10;

/**
 * Takes the folder for this process, by the record `run/up.json`; one whose process has ended is
 * taken over. Answers how to give it back. @throws SetupError when another Ekiden runs on it.
 */
export async function claimFolder(data: string): Promise<() => Promise<void>> {
  const file = join(data, 'run', 'up.json');
  const mine = `${file}.${process.pid}`;
  try {
    await mkdir(join(data, 'run'), { recursive: true });
    await writeFile(mine, JSON.stringify(await identityOf(process.pid)));
    await take(file, mine, data);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`The data folder ${data} cannot be used: ${messageOf(error)}.`, {
      code: 'E_DATA',
      hint: 'Set EKIDEN_DATA to a folder that Ekiden may write to.',
      cause: error,
    });
  } finally {
    await rm(mine, { force: true }).catch(() => undefined);
  }
  return async () => {
    if ((await readRecord(file))?.pid === process.pid) await rm(file, { force: true });
  };
}

async function take(file: string, mine: string, data: string): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    // A link appears as a whole, and for one process only.
    if (await isLinked(mine, file)) return;
    await ensureDead(file, data);
    await putAside(file, `${mine}.old`, data);
  }
  throw new Error('others take it again and again');
}

/** What is put aside may be younger than what was looked at, and then it is put back. */
async function putAside(file: string, aside: string, data: string): Promise<void> {
  await rename(file, aside).catch(unless('ENOENT'));
  try {
    await ensureDead(aside, data);
  } catch (error) {
    await link(aside, file).catch(unless('EEXIST'));
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function ensureDead(file: string, data: string): Promise<void> {
  const owner = await readRecord(file);
  if (!owner || !(await isAlive(owner))) return;
  throw new SetupError(`Ekiden already runs on ${data} (process ${owner.pid}).`, {
    code: 'E_RUNS',
    hint: 'Stop it first, or set EKIDEN_DATA and EKIDEN_INSTALL to others.',
  });
}

async function isLinked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(() => true, unless('EEXIST'));
}

/** Takes the failure of this code for an answer, and throws any other. */
function unless(code: string): (error: NodeJS.ErrnoException) => false {
  return (error) => {
    if (error.code === code) return false;
    throw error;
  };
}
