/** Copies what a job prints from its node into its log, piece by piece, each once. */
import { type BuildLogStore, isContinuation } from '../core/build-log.ts';
import { EkidenError, messageOf } from '../core/errors.ts';
import type { Job, JobStore, Printed } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { LogFiles } from '../core/log-file.ts';
import { createMasker, mask } from '../core/secret.ts';

export interface OutputOptions {
  jobs: Pick<JobStore, 'update'>;
  logs: Pick<BuildLogStore, 'append'>;
  logFiles: Pick<LogFiles, 'list' | 'open'>;
  log: Log;
}

export interface Output {
  /** Adds what was printed since; with `isLast` also a line that has no end. Answers the job as it is then. */
  copy(job: Job, wanted: { secrets: string[]; isLast?: boolean }): Promise<Job>;
  /** True where a node has the files of the instance. */
  isReached(instance: string): Promise<boolean>;
}

type Name = 'stdout' | 'stderr';
type Place = Record<Name, number>;

/** Bytes of each file that go into one piece. */
const pieceBytes = 64 * 1024;

/** Bytes that may wait in a file; of more the last half is copied, and no log keeps so much. */
const mostBehind = 3 * 1024 * 1024;

/** Stands in a log where bytes were skipped, or went with the older half of a file that was full. */
const leftOut = '[output is left out here]\n';

/** Pieces that are copied before somebody looks at the job again. */
const mostPieces = 64;

const nothing: Printed = { pieces: 0, stdout: 0, stderr: 0 };

export function createOutput(options: OutputOptions): Output {
  const { log } = options;
  return {
    async copy(job, wanted) {
      if (job.instance === undefined) return job;
      try {
        return await copyAll(options, job, wanted);
      } catch (error) {
        // A node that is away is no end of the job, and its files stay.
        if (!(error instanceof EkidenError)) throw error;
        log.debug({ job: job.id, error: messageOf(error) }, 'the output of a job is out of reach');
        return job;
      }
    },
    async isReached(instance) {
      const files = await options.logFiles.list(instance).catch(() => undefined);
      return files !== undefined;
    },
  };
}

async function copyAll(
  options: OutputOptions,
  given: Job,
  { secrets, isLast = false }: { secrets: string[]; isLast?: boolean },
): Promise<Job> {
  const values = secrets.flatMap((value) => [value, ...value.split('\n')]);
  let job = given;
  for (let count = 0; count < mostPieces; count++) {
    const place = job.printed ?? nothing;
    const piece = await nextPiece(options, job, { secrets: values, isLast });
    if (!piece) break;
    // Where the piece ends is kept first: after a crash the same bytes are added under the same number.
    await options.jobs.update(job.id, { printed: { ...place, next: piece.next } });
    const bytes = Buffer.from(mask(piece.text, values));
    const number = place.pieces + 1;
    if (bytes.length > 0) {
      await options.logs.append({ build: job.id, writer: job.id, number, bytes });
    }
    job = await options.jobs.update(job.id, { printed: { pieces: number, ...piece.next } });
  }
  return job;
}

interface Piece {
  text: string;
  next: Place;
}

/** What comes next of both files; undefined where nothing does. */
async function nextPiece(
  options: OutputOptions,
  { instance = '', printed = nothing }: Job,
  { secrets, isLast }: { secrets: string[]; isLast: boolean },
): Promise<Piece | undefined> {
  const files = await options.logFiles.list(instance);
  const parts = await Promise.all(
    (['stdout', 'stderr'] as const).map(async (name) => {
      const size = files?.find(({ path }) => path === name)?.size ?? 0;
      const start = startOf(printed, name, size);
      const stop = printed.next?.[name] ?? Math.min(size, start + pieceBytes);
      const bytes = await read(options, { instance, name, start, stop });
      const isCertain = printed.next !== undefined || (isLast && stop === size);
      const hasGap = start !== printed[name];
      return { name, start, hasGap, bytes: isCertain ? bytes : wholeLines(bytes, secrets) };
    }),
  );
  if (
    printed.next === undefined &&
    parts.every(({ bytes, hasGap }) => bytes.length === 0 && !hasGap)
  )
    return undefined;
  const ends = parts.map(({ name, start, bytes }) => [name, start + bytes.length] as const);
  const next = printed.next ?? (Object.fromEntries(ends) as Place);
  const texts = parts.map(({ hasGap, bytes }) =>
    hasGap ? leftOut + afterLine(bytes).toString('utf8') : bytes.toString('utf8'),
  );
  return { text: texts.join(''), next };
}

/** Behind a gap the first line may lack its beginning, and what is left of a secret is not known for one. */
function afterLine(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0x0a);
  return end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 1);
}

/** Where the next piece begins; once a file was cut to its newer half, places in it mean other bytes. */
export function startOf(printed: Printed, name: Name, size: number): number {
  const start = printed[name];
  if (printed.next !== undefined) return start;
  if (size < start) return size;
  return size - start > mostBehind ? size - mostBehind / 2 : start;
}

async function read(
  { logFiles }: OutputOptions,
  { instance, name, start, stop }: { instance: string; name: Name; start: number; stop: number },
): Promise<Buffer> {
  if (stop <= start) return Buffer.alloc(0);
  const range = { start, end: stop - 1 };
  const opened = await logFiles.open(instance, name, range).catch(unlessBeyond);
  const parts: Uint8Array[] = [];
  for await (const part of opened?.bytes ?? []) parts.push(part);
  return Buffer.concat(parts);
}

/** A file that was cut meanwhile has no such bytes any more. */
function unlessBeyond(error: unknown): undefined {
  if (error instanceof EkidenError && error.code === 'E_RANGE') return undefined;
  throw error;
}

/** Up to the last end of a line; of a line that is too long whole characters, and no part of a secret. */
function wholeLines(bytes: Buffer, secrets: string[]): Buffer {
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end > 0 || bytes.length < pieceBytes) return bytes.subarray(0, end);
  let stop = bytes.length;
  while (stop > 0 && isContinuation(bytes[stop - 1])) stop--;
  const whole = bytes.subarray(0, Math.max(1, stop - 1));
  const masker = createMasker(secrets);
  masker.write(whole.toString('utf8'));
  return whole.subarray(0, Math.max(1, whole.length - Buffer.byteLength(masker.end())));
}
