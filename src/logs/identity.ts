/** Tells files apart that had the same name, also where the file system gives a number to another file again. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Bytes at the start of a file that take part in its identity. */
export const headBytes = 256;

export interface FileFacts {
  /** Device, inode and birth: what stays when a file is renamed. */
  key: string;
  size: number;
}

export interface FileTimes {
  key: string;
  /** Milliseconds since the epoch. */
  bornAt: number;
  modifiedAt: number;
}

export async function factsOf(handle: FileHandle): Promise<FileFacts & FileTimes> {
  const info = await handle.stat({ bigint: true });
  return { ...timesOf(info), size: Number(info.size) };
}

export function timesOf({ dev, ino, birthtimeNs, mtimeNs }: BigIntStats): FileTimes {
  const key = [dev, ino, birthtimeNs].map((part) => part.toString(36)).join('-');
  return { key, bornAt: Number(birthtimeNs) / 1e6, modifiedAt: Number(mtimeNs) / 1e6 };
}

/**
 * The key, and the length and hash of the first bytes: a file that was truncated and written again
 * has the same key, but begins with other bytes.
 */
export async function identityOf(handle: FileHandle, { key, size }: FileFacts): Promise<string> {
  const length = Math.min(size, headBytes);
  return `${key}-${length.toString(36)}-${await hashOfHead(handle, length)}`;
}

/** True when the file is the one that had the identity, which may have grown since. */
export async function isSame(
  handle: FileHandle,
  { key, size }: FileFacts,
  identity: string,
): Promise<boolean> {
  return identity.startsWith(`${key}-`) && hasHead(handle, size, identity);
}

/** True when the file begins with the bytes that the identity tells of, as its copy does too. */
export async function hasHead(
  handle: FileHandle,
  size: number,
  identity: string,
): Promise<boolean> {
  const [, length = '', hash] = /-([0-9a-z]+)-([0-9a-f]{16})$/.exec(identity) ?? [];
  const bytes = Number.parseInt(length, 36);
  if (!(bytes <= Math.min(size, headBytes))) return false;
  return (await hashOfHead(handle, bytes)) === hash;
}

async function hashOfHead(handle: FileHandle, length: number): Promise<string> {
  const head = await readAt(handle, 0, length);
  return createHash('sha256').update(head).digest('hex').slice(0, 16);
}

/** The bytes from `offset` on; fewer than `length` at the end of the file. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const buffer = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
