/** Watches one name in an instance's sandbox, and hands out what is written there. */
import { type FSWatcher, watch } from 'node:fs';
import type { LogFrame } from '../core/log-file.ts';
import { completeIdentity, type Generation, readNext } from './generation.ts';
import { Lineage, type LineageOptions } from './lineage.ts';

/** Milliseconds between two looks: more would cost much, and a person sees no difference. */
const shortestPause = 8;
/** The kernel's hints may be lost, and file systems on the network give none. */
const longestPause = 250;
/** Whoever is further behind, beyond what was there at the beginning, is moved on … */
const farthestBehind = 64 * 1024 * 1024;
/** … to this many bytes before the end. */
const keptBehind = 1024 * 1024;
const mostGenerations = 64;

export class Tail {
  readonly #lineage: Lineage;
  readonly #folder: Buffer;
  readonly #base: Buffer;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  /** What is done with the files is done one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;
  #isNews = true;
  #isClosed = false;
  #allowance: number | undefined;
  #skipped = 0;
  /** The file that the last frames told of. */
  #told: Generation | undefined;
  /** The newest file that was read. */
  #front: Generation | undefined;

  constructor(options: LineageOptions) {
    this.#lineage = new Lineage(options);
    const [path = Buffer.alloc(0)] = options.paths;
    const cut = path.lastIndexOf('/');
    this.#folder = path.subarray(0, cut);
    this.#base = path.subarray(cut + 1);
  }

  /** The next frames; none when all that is there was read. */
  async next(): Promise<LogFrame[]> {
    return this.#inTurn(async () => {
      if (this.#allowance === undefined) await this.#look();
      this.#isNews = false;
      const [first] = this.#lineage.generations;
      if (!this.#told && first) return [this.#positionOf(first, first.offset)];
      return this.#nextFrames();
    });
  }

  /** Resolves once there may be more, after a quarter of a second at most. */
  async changed(signal: AbortSignal): Promise<void> {
    if (this.#isNews || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, longestPause);
      signal.addEventListener('abort', done);
      this.#wake = done;
    });
  }

  /** When the last byte was written, in milliseconds since the epoch; 0 without a file. */
  get modifiedAt(): number {
    return Math.max(0, ...this.#lineage.generations.map(({ modifiedAt }) => modifiedAt));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    await this.#inTurn(() => this.#lineage.close());
  }

  /** Older files first, so that bytes come in the order in which they were written. */
  async #nextFrames(): Promise<LogFrame[]> {
    for (const generation of this.#lineage.generations.filter(({ isNews }) => isNews)) {
      const bytes = await readNext(generation);
      if (bytes === 'truncated') {
        await this.#lineage.restart(generation);
        return this.#nextFrames();
      }
      if (bytes) return this.#framesOf(generation, bytes);
    }
    return [];
  }

  async #framesOf(generation: Generation, bytes: Buffer): Promise<LogFrame[]> {
    const frames: LogFrame[] = [];
    if (this.#skipped > 0) frames.push({ type: 'skipped', bytes: this.#skipped });
    this.#skipped = 0;
    if (generation.isFresh && this.#told) frames.push({ type: 'rotated' });
    generation.isFresh = false;
    await completeIdentity(generation);
    if (generation.isMoved || this.#told !== generation) {
      frames.push(this.#positionOf(generation, generation.offset - bytes.length));
    }
    frames.push({ type: 'data', bytes });
    const front = this.#frontAfter(generation);
    if (front) frames.push(this.#positionOf(front, front.offset));
    return frames;
  }

  /**
   * The file that the reader had come to before older ones said more, once these are read: their
   * late words must not be the place from which somebody goes on.
   */
  #frontAfter(generation: Generation): Generation | undefined {
    const { generations } = this.#lineage;
    const at = this.#front ? generations.indexOf(this.#front) : -1;
    if (at <= generations.indexOf(generation)) {
      this.#front = generation;
      return undefined;
    }
    const isAllRead = generations.slice(0, at).every(({ isNews }) => !isNews);
    return isAllRead ? this.#front : undefined;
  }

  #positionOf(generation: Generation, offset: number): LogFrame {
    this.#told = generation;
    generation.isMoved = false;
    return { type: 'position', identity: generation.identity, offset };
  }

  /** Goes on whether somebody reads or not: files that get no name any more must be opened in time. */
  async #look(): Promise<void> {
    const lineage = this.#lineage;
    this.#lookedAt = Date.now();
    this.#watch();
    await lineage.look();
    this.#allowance ??= farthestBehind + lineage.unread;
    if (lineage.unread > this.#allowance || lineage.generations.length > mostGenerations) {
      this.#skipped += await lineage.skip(keptBehind);
    }
    this.#isNews = lineage.generations.some(({ isNews }) => isNews);
    if (this.#isNews) this.#wake();
    this.#lookLater(longestPause);
  }

  #lookLater(pause: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#inTurn(() => this.#lookSafely()), pause);
  }

  /** Whoever reads gets the error; the watch alone goes on. */
  async #lookSafely(): Promise<void> {
    if (this.#isClosed) return;
    await this.#look().catch(() => this.#lookLater(longestPause));
  }

  /** The folder is watched in place of the file, whose name may go to another. */
  #watch(): void {
    if (this.#watcher || this.#isClosed) return;
    try {
      this.#watcher = watch(this.#folder, { encoding: 'buffer' }, (_event, name) => {
        const isOurs = !name || name.subarray(0, this.#base.length).equals(this.#base);
        if (isOurs) this.#onHint();
      });
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // The folder is not there yet, or there are too many watches: the timer does.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #onHint(): void {
    const pause = this.#lookedAt + shortestPause - Date.now();
    this.#lookLater(Math.max(0, pause));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
