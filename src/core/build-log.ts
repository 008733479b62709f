/** The log of a build: one text in one order, to which every leg on every host adds. */
import type { Masker } from './secret.ts';

/** What a leg writes to. */
export interface BuildLog {
  /** Text of any kind; what only moves a cursor, or overwrites what was printed before, is left out. */
  write(text: string): void;
  /** From now on these values are taken out of what is written, also where they come in pieces. */
  hide(values: Iterable<string>): void;
  /** `text` without what is to be hidden. */
  masked(text: string): string;
  /** Takes out what is to be hidden by now of a text between whose pieces others write. */
  masker(): Masker;
  /** Resolves when more may be written without loss; whoever writes much asks for it now and then. */
  room(): Promise<void>;
  /** Resolves when all is kept, or cannot be. */
  close(): Promise<void>;
}

/** Bytes that follow each other, as they were added at once. */
export interface LogPiece {
  /** Place of the first byte among all that were ever added. */
  offset: number;
  bytes: Buffer;
}

export interface LogAddition {
  build: string;
  /** Who adds: an id of its own for each opened log. */
  writer: string;
  /** Counts the writer's additions from 1: the same one is kept once, however often it is tried. */
  number: number;
  bytes: Buffer;
}

export interface BuildLogState {
  /** Bytes that were added in all. */
  size: number;
  /** Milliseconds since the epoch of the last addition; 0 before the first. */
  modifiedAt: number;
  /** Bytes from `start` up to and without `stop` that are no longer kept; all of them once it was given up. */
  gap?: { start: number; stop: number };
}

/** Keeps the logs, where all hosts find them. */
export interface BuildLogStore {
  /** Adds behind all that others added before; answers the size after it. */
  append(addition: LogAddition): Promise<number>;
  state(build: string): Promise<BuildLogState>;
  /** Some bytes from `from` on, or from behind what is no longer kept there; none at the end. */
  read(build: string, from: number): Promise<LogPiece[]>;
  /** Calls back after each addition, perhaps too often or not at all, until the returned function is called. */
  listen(build: string, onChange: () => void): () => void;
  close(): Promise<void>;
}

/** True for a log that said something of which nothing is kept. */
export function isGone({ size, gap }: BuildLogState): boolean {
  return size > 0 && gap !== undefined && gap.start === 0 && gap.stop >= size;
}

/** Bytes 10xxxxxx go on with a character of UTF-8 (RFC 3629). */
export function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >> 6 === 0b10;
}
