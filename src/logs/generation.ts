/** One file of those that have or had the name which is followed, and how far it was read. */
import type { FileHandle } from 'node:fs/promises';
import { factsOf, headBytes, identityOf, readAt } from './identity.ts';

/** Bytes before the offset that are compared at each read, so that other bytes are noticed. */
const tailBytes = 64;
const chunkBytes = 256 * 1024;

export interface Generation {
  handle: FileHandle;
  /** Device, inode and birth. */
  key: string;
  identity: string;
  /** True once the identity holds all the bytes that it can. */
  isFull: boolean;
  /** The next byte to read. */
  offset: number;
  /** The last bytes before the offset. */
  tail: Buffer;
  size: number;
  /** Milliseconds since the epoch, as of the last look. */
  modifiedAt: number;
  bornAt: number;
  /** True when something was written since the last read. */
  isNews: boolean;
  /** True until its reader was told that another file goes on here. */
  isFresh: boolean;
  /** True when the next bytes do not follow those that were read last. */
  isMoved: boolean;
  /** Milliseconds since the epoch: when it lost the name. */
  retiredAt?: number;
}

/** Takes the handle over; an offset below 0 counts from the end. */
export async function openGeneration(handle: FileHandle, from: number): Promise<Generation> {
  const facts = await factsOf(handle);
  const offset = Math.max(0, Math.min(from < 0 ? facts.size + from : from, facts.size));
  return {
    ...{ handle, offset, isNews: true, isFresh: true, isMoved: true, ...facts },
    identity: await identityOf(handle, facts),
    isFull: facts.size >= headBytes,
    tail: await tailBefore(handle, offset),
  };
}

/** Looks how large it is now. */
export async function refresh(generation: Generation): Promise<void> {
  const { size, modifiedAt } = await factsOf(generation.handle);
  if (size !== generation.size || modifiedAt !== generation.modifiedAt) generation.isNews = true;
  Object.assign(generation, { size, modifiedAt });
}

export function unread({ size, offset }: Generation): number {
  return Math.max(0, size - offset);
}

/**
 * The next bytes; `truncated` when the file no longer goes on from what was read of it; undefined
 * when there is nothing new. Old and new bytes come in one read, so nothing can slip in between.
 */
export async function readNext(generation: Generation): Promise<Buffer | 'truncated' | undefined> {
  const { handle, offset, tail, size } = generation;
  const wanted = Math.min(Math.max(0, size - offset), chunkBytes);
  const buffer = await readAt(handle, offset - tail.length, tail.length + wanted);
  if (size < offset || !buffer.subarray(0, tail.length).equals(tail)) return 'truncated';
  const bytes = buffer.subarray(tail.length);
  generation.offset += bytes.length;
  generation.tail = Buffer.from(buffer.subarray(-tailBytes));
  generation.isNews = generation.offset < size && bytes.length > 0;
  return bytes.length > 0 ? bytes : undefined;
}

/** Goes on elsewhere in the file. */
export async function jump(generation: Generation, offset: number): Promise<void> {
  generation.tail = await tailBefore(generation.handle, offset);
  generation.offset = offset;
  Object.assign(generation, { isNews: true, isMoved: true });
}

/** Makes the identity tell more once there is more to tell. */
export async function completeIdentity(generation: Generation): Promise<void> {
  if (generation.isFull || generation.size < headBytes) return;
  generation.identity = await identityOf(generation.handle, generation);
  Object.assign(generation, { isFull: true, isMoved: true });
}

export function tailBefore(handle: FileHandle, offset: number): Promise<Buffer> {
  const length = Math.min(offset, tailBytes);
  return readAt(handle, offset - length, length);
}
