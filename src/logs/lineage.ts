/** The files that had a followed name one after the other, oldest first; the last one has it now. */
import type { FileHandle } from 'node:fs/promises';
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

/** Files that have to be read stay open, so that whoever reads slowly loses nothing. */
export class Lineage {
  readonly #options: LineageOptions;
  readonly #generations: Generation[] = [];
  /** Files beside this one that are not to be read, or are read already. */
  #known = new Set<string>();
  #isStarted = false;

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
    const handle = await openInside(this.#options.folder.sandbox, this.#options.paths);
    if (!this.#isStarted) return this.#start(handle);
    if (!handle) return;
    const { key } = await factsOf(handle);
    const named = this.#generations.find((generation) => generation.key === key);
    if (!named) return this.#goOn(handle, key);
    await handle.close();
    if (named === this.#generations.at(-1)) return;
    // A file that lost the name and got it back is the last again.
    this.#generations.push(...this.#generations.splice(this.#generations.indexOf(named), 1));
    delete named.retiredAt;
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

  async #start(handle: FileHandle | undefined): Promise<void> {
    this.#isStarted = true;
    const { folder, identity, from } = this.#options;
    const siblings = await this.#siblings();
    this.#remember(siblings);
    if (
      identity === undefined ||
      (handle && (await isSame(handle, await factsOf(handle), identity)))
    ) {
      if (handle) this.#generations.push(await openGeneration(handle, from));
    } else {
      const older = await rotatedSince({ sandbox: folder.sandbox, siblings, identity, from });
      this.#generations.push(...older);
      if (handle) this.#generations.push(await openGeneration(handle, 0));
    }
    const [first] = this.#generations;
    if (first) first.isFresh = false;
  }

  /** Another file has the name; several may have had it since the last look. */
  async #goOn(handle: FileHandle, key: string): Promise<void> {
    const current = this.#generations.at(-1);
    const siblings = (await this.#siblings()).filter((sibling) => sibling.key !== key);
    for (const sibling of siblings.filter((each) => !this.#known.has(each.key))) {
      const missed = await openSibling(this.#options.folder.sandbox, sibling, 0);
      if (missed && !(await isCopyOfAny(missed, this.#generations))) this.#generations.push(missed);
      else await missed?.handle.close();
    }
    const next = await openGeneration(handle, await continuationIn(handle, current));
    // What comes first goes on from nothing.
    next.isFresh = this.#generations.length > 0;
    this.#generations.push(next);
    this.#remember(siblings);
  }

  /** Readers of files that lost the name see them out. */
  async #retire(): Promise<void> {
    const now = Date.now();
    for (const generation of this.#generations.slice(0, -1)) {
      generation.retiredAt ??= now;
      const { retiredAt, modifiedAt, isNews } = generation;
      const isQuiet = now - Math.max(retiredAt, modifiedAt) > quietTime;
      if (isNews || !(isQuiet || now - retiredAt > longestRest)) continue;
      this.#generations.splice(this.#generations.indexOf(generation), 1);
      await generation.handle.close();
    }
  }

  async #siblings(): Promise<Sibling[]> {
    const found = (await Promise.all(this.#options.paths.map(siblingsOf))).flat();
    const own = new Set(this.#generations.map(({ key }) => key));
    return found.filter(({ key }) => !own.has(key));
  }

  /** None of those that are there now is news. */
  #remember(siblings: Sibling[]): void {
    this.#known = new Set([...siblings, ...this.#generations].map(({ key }) => key));
  }
}
