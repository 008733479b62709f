/** The files that had a followed name one after the other, oldest first; the last one has it now. */
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { continuationIn } from './capped.ts';
import { type LogFolder, openInside } from './gate.ts';
import { type Generation, jump, openGeneration, refresh, unread } from './generation.ts';
import { factsOf, identityOf, isSame } from './identity.ts';
import {
  copyOf,
  isCopyOfAny,
  openSibling,
  rotatedSince,
  type Sibling,
  siblingsOf,
} from './siblings.ts';

export interface LineageOptions {
  folder: LogFolder;
  /** The paths that the name may mean. */
  paths: Buffer[];
  /** Byte to begin at; below 0 from the end. */
  from: number;
  /** The file that `from` counts in. */
  identity?: string | undefined;
}

/** Writers go on in a file after it lost its name: it is read until it is quiet, but not for ever. */
const quietTime = 5_000;
const longestRest = 60_000;
const settleTime = 1_000;
/** More than there can be files beside this one at a time. */
const mostKnown = 1_000;
/** Renames can come between finding a file and opening it. */
const mostTries = 5;
const renameTime = 10;
/** Files that are open though they are read to their end; then the oldest are closed sooner. */
const mostQuiet = 16;

/** Files that have to be read stay open, so that whoever reads slowly loses nothing. */
export class Lineage {
  readonly #options: LineageOptions;
  readonly #generations: Generation[] = [];
  /** Files beside this one that are not to be read, or are read already. */
  readonly #known = new Set<string>();
  #isStarted = false;
  /** Until then files beside this one are looked for: one that is renamed can be missed at first. */
  #unsettledUntil = 0;
  /** When the first file that was read was born; those that are older never come after it. */
  #begunAt = 0;

  constructor(options: LineageOptions) {
    this.#options = options;
  }

  get generations(): readonly Generation[] {
    return this.#generations;
  }

  /** Bytes that are there and were not read. */
  get unread(): number {
    return this.#generations.reduce((sum, generation) => sum + unread(generation), 0);
  }

  /** Compares with what is on the disk. */
  async look(): Promise<void> {
    for (const generation of this.#generations) {
      const { retiredAt = Date.now() } = generation;
      if (Date.now() - retiredAt < longestRest) await refresh(generation);
    }
    await this.#retire();
    if (!this.#isStarted) return this.#start();
    const handle = await this.#open();
    if (!handle) return;
    const { key } = await factsOf(handle);
    const named = this.#generations.find((generation) => generation.key === key);
    if (!named) return this.#goOn(handle, key);
    await handle.close();
    if (named !== this.#generations.at(-1)) return this.#takeBack(named);
    if (Date.now() < this.#unsettledUntil) await this.#addMissed(key);
  }

  /** For a file that was truncated: a copy with what was not read comes before its new start. */
  async restart(generation: Generation): Promise<void> {
    const { sandbox } = this.#options.folder;
    const siblings = await this.#siblings();
    const copy = await copyOf({ sandbox, generation, siblings });
    await refresh(generation);
    await jump(generation, 0);
    generation.identity = await identityOf(generation.handle, generation);
    Object.assign(generation, { isFull: false, isFresh: true });
    if (copy) this.#generations.splice(this.#generations.indexOf(generation), 0, copy);
    this.#remember(siblings);
  }

  /** Leaves out all but the last `keep` bytes; answers how many bytes it left out. */
  async skip(keep: number): Promise<number> {
    const before = this.unread;
    const older = this.#generations.splice(0, this.#generations.length - 1);
    for (const { handle } of older) await handle.close();
    const [last] = this.#generations;
    if (last && unread(last) > keep) await jump(last, last.size - keep);
    return before - this.unread;
  }

  async close(): Promise<void> {
    for (const { handle } of this.#generations.splice(0)) await handle.close();
  }

  async #start(): Promise<void> {
    this.#isStarted = true;
    const { folder, identity, from } = this.#options;
    const handle = await this.#open();
    const facts = handle && (await factsOf(handle));
    const found = async () => (await this.#siblings()).filter(({ key }) => key !== facts?.key);
    let siblings = await found();
    const isWanted =
      identity === undefined || (facts && handle && (await isSame(handle, facts, identity)));
    for (let tries = 0; !isWanted && identity !== undefined && tries < mostTries; tries += 1) {
      const older = await rotatedSince({ sandbox: folder.sandbox, siblings, identity, from });
      this.#generations.push(...(older ?? []));
      // A folder that is read while files in it are renamed may not show one of them.
      if (older && older.length > 0) break;
      await delay(renameTime);
      siblings = await found();
    }
    const [first] = this.#generations;
    // Those after the wanted one that got another name just now are found by that at the next look.
    const place = siblings.findIndex(({ key }) => key === first?.key);
    this.#remember(place < 0 ? siblings : siblings.slice(0, place + 1));
    if (identity !== undefined) this.#unsettledUntil = Date.now() + settleTime;
    if (handle) this.#generations.push(await openGeneration(handle, isWanted ? from : 0));
    const [begin] = this.#generations;
    if (begin) begin.isFresh = false;
    this.#begunAt = begin?.bornAt ?? 0;
    if (facts) this.#known.add(facts.key);
  }

  /** A file that lost the name and got it back is the last again. */
  #takeBack(named: Generation): void {
    this.#generations.push(...this.#generations.splice(this.#generations.indexOf(named), 1));
    delete named.retiredAt;
  }

  /** Another file has the name. */
  async #goOn(handle: FileHandle, key: string): Promise<void> {
    const current = this.#generations.at(-1);
    if (current) await refresh(current);
    const next = await openGeneration(handle, await continuationIn(handle, current));
    // What comes first goes on from nothing.
    next.isFresh = this.#generations.length > 0;
    this.#generations.push(next);
    this.#unsettledUntil = Date.now() + settleTime;
    await this.#addMissed(key);
  }

  /** Several files may have had the name since the last look: those come before the one that has it now. */
  async #addMissed(key: string): Promise<void> {
    const siblings = (await this.#siblings()).filter((sibling) => sibling.key !== key);
    const missed = siblings.filter(
      ({ key: each, bornAt }) => !this.#known.has(each) && bornAt >= this.#begunAt,
    );
    const lost: Sibling[] = [];
    for (const sibling of missed) {
      const generation = await openSibling(this.#options.folder.sandbox, sibling, 0);
      if (!generation) lost.push(sibling);
      else if (await isCopyOfAny(generation, this.#generations)) await generation.handle.close();
      else this.#generations.splice(-1, 0, generation);
    }
    // One that got another name in between is found by that at the next look.
    this.#remember(siblings.filter((sibling) => !lost.includes(sibling)));
  }

  /** Readers of files that lost the name see them out. */
  async #retire(): Promise<void> {
    const now = Date.now();
    const isCrowded = this.#generations.length > mostQuiet;
    for (const generation of this.#generations.slice(0, isCrowded ? -mostQuiet : -1)) {
      if (isCrowded && !generation.isNews) await this.#drop(generation);
    }
    for (const generation of this.#generations.slice(0, -1)) {
      generation.retiredAt ??= now;
      const { retiredAt, modifiedAt, isNews } = generation;
      const isQuiet = now - Math.max(retiredAt, modifiedAt) > quietTime;
      if (!isNews && (isQuiet || now - retiredAt > longestRest)) await this.#drop(generation);
    }
  }

  async #drop(generation: Generation): Promise<void> {
    this.#generations.splice(this.#generations.indexOf(generation), 1);
    await generation.handle.close();
  }

  #open(): Promise<FileHandle | undefined> {
    return openInside(this.#options.folder.sandbox, this.#options.paths);
  }

  async #siblings(): Promise<Sibling[]> {
    const found = (await Promise.all(this.#options.paths.map(siblingsOf))).flat();
    const own = new Set(this.#generations.map(({ key }) => key));
    return found.filter(({ key }) => !own.has(key));
  }

  /** None of those is news from now on, also when one is missed by the next look. */
  #remember(siblings: Sibling[]): void {
    for (const { key } of [...siblings, ...this.#generations]) {
      this.#known.delete(key);
      this.#known.add(key);
    }
    for (const key of this.#known) {
      if (this.#known.size <= mostKnown) break;
      this.#known.delete(key);
    }
  }
}
