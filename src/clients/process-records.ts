/** Records of processes in `<data>/run`, by which a later Ekiden finds what an earlier one left. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ProcessIdentity } from './processes.ts';

const recordSchema = z.object({ pid: z.number().int().positive(), startTime: z.string() });

/** The process of the record; undefined when there is none, or only a part of one. */
export async function readRecord(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Writes the record so that a reader sees all of it or nothing. */
export async function writeRecord(file: string, identity: ProcessIdentity): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(identity));
  await rename(`${file}.new`, file);
}
