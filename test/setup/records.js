/** Small JSON files by which one run tells later ones what it is and what it started. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The record in the file `path`; undefined when there is none, or only a part of one. */
export function readRecord(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes `record` so that a reader sees all of it or nothing. */
export function writeRecord(path, record) {
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
}
