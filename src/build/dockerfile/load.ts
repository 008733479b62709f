/** Reads every file that a Dockerfile includes, level by level and in parallel within a level. */

import pLimit from 'p-limit';
import { refuseCycle } from './cycle.ts';
import { type Diagnostic, includeError, type Spot } from './diagnostic.ts';
import { createFetch, type Fetch, type Sources } from './fetch.ts';
import { countProblem, depthProblem, type Limits, totalSizeProblem } from './limits.ts';
import {
  type Fetched,
  type Include,
  type Opened,
  openFragment,
  type Setting,
  type SourceFile,
  useFile,
  valuesFor,
} from './source-file.ts';
import type { Origin } from './source-map.ts';
import { spotOf } from './spots.ts';

/** An INCLUDE whose file is not read yet. */
interface Pending {
  includer: SourceFile;
  include: Include;
  via: readonly Origin[];
  spot: Spot;
}

export interface LoadOptions {
  sources: Sources;
  setting: Setting;
  /** The INCLUDEs whose files are being read, in file order; kept up to date. */
  waiting: Set<Spot>;
}

// Enough to hide the latency of a files API, and few enough not to burden it.
const PARALLEL_READS = 8;

/**
 * Sets the target of every INCLUDE at and below `root`, and returns the warnings. Throws IncludeError, the first one of
 * a level in file order, and what the sources throw.
 */
export async function loadIncludes(
  root: SourceFile,
  { sources, setting, waiting }: LoadOptions,
): Promise<Diagnostic[]> {
  const { limits } = setting;
  const fetch = createFetch(sources);
  const shelf = createShelf(root, setting);
  const warnings: Diagnostic[] = [];
  let level = pendingOf(root, []);
  let count = 0;
  for (let depth = 1; level.length > 0; depth++) {
    refuseExcess(level, count, depth, limits);
    count += level.length;
    const below: Pending[] = [];
    for (const { pending, fetched } of await fetchAll(level, fetch, waiting)) {
      warnings.push(...fetched.warnings);
      refuseCycle(fetched.id, viaOf(pending), pending.spot);
      const { file, isNew, warnings: others } = shelf.take(pending, fetched);
      pending.include.target = file;
      pending.include.record = fetched.record;
      warnings.push(...others);
      if (isNew) below.push(...pendingOf(file, viaOf(pending)));
    }
    level = below;
  }
  return warnings;
}

/** Keeps each file once for every set of values that its inputs get. */
function createShelf(root: SourceFile, setting: Setting) {
  const known = new Map<string, Opened>();
  const files = new Map<string, SourceFile>();
  let size = 0;

  function open(pending: Pending, fetched: Fetched) {
    const opened = known.get(fetched.id);
    if (opened) return { opened, warnings: [] };
    const { limits } = setting;
    const fragment = { fetched, root, limits, asked: pending.spot, via: viaOf(pending) };
    const first = openFragment(fragment);
    known.set(fetched.id, first.opened);
    return first;
  }

  return {
    take(pending: Pending, fetched: Fetched) {
      const { opened, warnings } = open(pending, fetched);
      const values = valuesFor(opened, pending.include, pending);
      const key = JSON.stringify([
        fetched.id,
        ...[...values].map(([name, { text }]) => [name, text]),
      ]);
      const file = files.get(key);
      if (file) return { file, isNew: false, warnings };
      const made = useFile(opened, { values, setting, via: viaOf(pending) });
      files.set(key, made);
      // Each is spliced at least once, so that no more than the limit has to be held.
      size += ownSizeOf(made);
      if (size > setting.limits.totalSize) {
        throw includeError(totalSizeProblem(setting.limits), pending.spot);
      }
      return { file: made, isNew: true, warnings };
    },
  };
}

/** Bytes that a file brings into the output, without those that it includes. */
function ownSizeOf({ parsed, includes }: SourceFile): number {
  const lines = [...includes.keys()].reduce((sum, { start, end }) => sum + end - start, 0);
  return parsed.text.length - parsed.head.end - lines;
}

async function fetchAll(level: Pending[], fetch: Fetch, waiting: Set<Spot>) {
  const limit = pLimit(PARALLEL_READS);
  const results = await Promise.allSettled(
    level.map(async ({ includer, include, spot }) => {
      waiting.add(spot);
      const { source } = include.statement;
      const fetched = await limit(() => fetch({ includer, source, spot }));
      waiting.delete(spot);
      return fetched;
    }),
  );
  return level.map((pending, index) => {
    const result = results[index];
    if (result?.status === 'fulfilled') return { pending, fetched: result.value };
    throw result?.reason;
  });
}

function pendingOf(includer: SourceFile, via: readonly Origin[]): Pending[] {
  return [...includer.includes.values()].map((include) => ({
    includer,
    include,
    via,
    spot: spotOf(includer, include.statement.span, via),
  }));
}

function viaOf({ includer, include, via }: Pending): Origin[] {
  return [...via, { file: includer.id, line: include.instruction.startLine }];
}

/** Bounds the reading by lines, also those of repeats; the splice counts again, for files that are included more than once. */
function refuseExcess(level: Pending[], before: number, depth: number, limits: Limits): void {
  const [first] = level;
  if (first && depth > limits.depth) throw includeError(depthProblem(limits), first.spot);
  const excess = level[limits.includes - before];
  if (excess) throw includeError(countProblem(limits), excess.spot);
}
