/** Logs of builds in Redis: a stream of compressed pieces a log, each at the offset of its first byte. */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { z } from 'zod';
import type { Redis } from '../clients/redis.ts';
import type { BuildLogState, BuildLogStore, LogAddition, LogPiece } from '../core/build-log.ts';
import { appendScript, readScript } from './build-log-scripts.ts';
import { createChanges } from './changes.ts';
import { keepSeconds } from './records.ts';

export interface BuildLogStoreOptions {
  /** One that fails while Redis is away, since nobody waits for a log. */
  redis: Redis;
  /** One that waits for it. */
  patient: Redis;
  prefix: string;
  /** Compressed bytes of all logs; beyond it those go to which nobody added for the longest. */
  budget: number;
  /** Seconds after its last addition that a log is kept. */
  seconds: number;
  /** Bytes kept of a log that grows too long, of its beginning and of its end. */
  ends?: { head: number; tail: number };
}

const mebibyte = 1024 * 1024;

/** Nobody reads more than this of one log, and its end tells why it failed. */
const usualEnds = { head: 64 * mebibyte, tail: 64 * mebibyte };

/** Bytes that are read at once, with the rest of their last piece: a slow reader keeps them waiting. */
const enough = 128 * 1024;

const compress = promisify(deflateRaw);
const decompress = promisify(inflateRaw);

export function createBuildLogStore(options: BuildLogStoreOptions): BuildLogStore {
  const { redis, prefix } = options;
  const stateKey = (build: string) => `${prefix}:build-log:${build}`;
  const piecesKey = (build: string) => `${prefix}:build-log-pieces:${build}`;
  const changes = createChanges({ redis: options.patient, channel: `${prefix}:build-log-changes` });

  return {
    async append(addition) {
      const size = await redis.eval(
        appendScript,
        6,
        stateKey(addition.build),
        piecesKey(addition.build),
        `${prefix}:build-logs`,
        `${prefix}:build-logs:weights`,
        `${prefix}:build-logs:weight`,
        `${prefix}:build-log-changes`,
        ...(await argumentsOf(addition, options)),
        piecesKey(''),
      );
      return Number(size);
    },
    async state(build) {
      const [state, kept] = await Promise.all([
        redis.hmget(stateKey(build), 'size', 'at', 'from', 'to'),
        redis.exists(piecesKey(build)),
      ]);
      return stateOf(state, kept === 1);
    },
    read: shared(async (build, from) => {
      const keys = [stateKey(build), piecesKey(build)];
      const answer = await redis.callBuffer('eval', readScript, 2, ...keys, from, enough);
      const pieces = await Promise.all(entriesSchema.parse(answer).map(decode));
      return pieces.flatMap((piece) => behind(piece, from));
    }),
    listen: changes.listen,
    close: changes.close,
  };
}

/** Those who follow one log ask for the same at the same time, and are answered once. */
function shared(read: BuildLogStore['read']): BuildLogStore['read'] {
  const reads = new Map<string, Promise<LogPiece[]>>();
  return async (build, from) => {
    const key = `${build} ${from}`;
    const pieces = await reads.get(key);
    // An empty answer may be from before that of which this reader was told.
    if (pieces !== undefined && pieces.length > 0) return pieces;
    const reading = read(build, from).finally(() => reads.delete(key));
    reads.set(key, reading);
    return reading;
  };
}

async function argumentsOf(addition: LogAddition, options: BuildLogStoreOptions) {
  const { build, writer, number, bytes } = addition;
  const { head, tail } = options.ends ?? usualEnds;
  const now = Date.now();
  const endsLine = bytes.at(-1) === 0x0a ? '1' : '';
  return [
    ...[build, writer, number, bytes.length, endsLine, ...(await encode(bytes)), now, head, tail],
    ...[options.budget, now - options.seconds * 1_000, options.seconds],
    Math.max(keepSeconds, options.seconds),
  ];
}

function stateOf(fields: (string | null)[], isKept: boolean): BuildLogState {
  const [size, modifiedAt, start, stop] = fields.map(Number);
  const state = { size: size ?? 0, modifiedAt: modifiedAt ?? 0 };
  if (!isKept && state.size > 0) return { ...state, gap: { start: 0, stop: state.size } };
  return stop ? { ...state, gap: { start: start ?? 0, stop } } : state;
}

/** `d`: deflated, `r`: raw, where that is shorter. */
async function encode(bytes: Buffer): Promise<['d' | 'r', Buffer]> {
  // The lowest level: twice as fast as the usual one, for a tenth more bytes.
  const deflated = await compress(bytes, { level: 1 });
  return deflated.length < bytes.length ? ['d', deflated] : ['r', bytes];
}

const entriesSchema = z.array(
  z.tuple([z.instanceof(Buffer), z.tuple([z.instanceof(Buffer), z.instanceof(Buffer)])]),
);

async function decode([id, [form, data]]: z.output<typeof entriesSchema>[number]) {
  const offset = Number.parseInt(id.toString('latin1'), 10);
  const isDeflated = form.toString('latin1') === 'd';
  return { offset, bytes: isDeflated ? await decompress(data, { maxOutputLength }) : data };
}

/** Another hand may have written to Redis. */
const maxOutputLength = mebibyte;

/** The piece without what comes before `from`. */
function behind({ offset, bytes }: LogPiece, from: number): LogPiece[] {
  if (offset >= from) return [{ offset, bytes }];
  const rest = bytes.subarray(from - offset);
  return rest.length > 0 ? [{ offset: from, bytes: rest }] : [];
}
