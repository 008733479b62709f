/** Reads every file that a Dockerfile includes, level by level and in parallel within a level. */

import pLimit from 'p-limit';
import { type Diagnostic, includeError, type Spot } from './diagnostic.ts';
import { createFetch, type Fetch, type Sources } from './fetch.ts';
import type { Limits } from './limits.ts';
import { type Include, openFragment, type SourceFile, spotOf } from './source-file.ts';
import type { Origin } from './source-map.ts';

/** An INCLUDE whose file is not read yet. */
interface Pending {
  includer: SourceFile;
  include: Include;
  via: readonly Origin[];
  spot: Spot;
}

// Enough to hide the latency of a files API, and few enough not to burden it.
const PARALLEL_READS = 8;

/**
 * Sets the target of every INCLUDE at and below `root`, and returns the warnings. Throws IncludeError, the first one of
 * a level in file order, and what the sources throw.
 */
export async function loadIncludes(
  root: SourceFile,
  sources: Sources,
  limits: Limits,
): Promise<Diagnostic[]> {
  const fetch = createFetch(sources);
  const files = new Map([[root.id, root]]);
  const warnings: Diagnostic[] = [];
  let level = pendingOf(root, []);
  let count = 0;
  for (let depth = 1; level.length > 0; depth++) {
    refuseExcess(level, count, depth, limits);
    count += level.length;
    const below: Pending[] = [];
    for (const { pending, fetched } of await fetchAll(level, fetch)) {
      warnings.push(...fetched.warnings);
      const via = viaOf(pending);
      const known = files.get(fetched.id);
      const asked = pending.spot;
      const opened = known
        ? undefined
        : openFragment({ fetched, root, maxSize: limits.fileSize, asked, via });
      pending.include.target = known ?? opened?.file;
      if (!opened) continue;
      files.set(fetched.id, opened.file);
      warnings.push(...opened.warnings);
      below.push(...pendingOf(opened.file, via));
    }
    level = below;
  }
  return warnings;
}

async function fetchAll(level: Pending[], fetch: Fetch) {
  const limit = pLimit(PARALLEL_READS);
  const results = await Promise.allSettled(
    level.map(({ includer, include, spot }) =>
      limit(() => fetch({ includer, source: include.statement.source, spot })),
    ),
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

/** Bounds the reading; the splice counts again, for files that are included more than once. */
function refuseExcess(level: Pending[], before: number, depth: number, limits: Limits): void {
  const [first] = level;
  if (first && depth > limits.depth) throw includeError(depthProblem(limits), first.spot);
  const excess = level[limits.includes - before];
  if (excess) throw includeError(countProblem(limits), excess.spot);
}

export function depthProblem({ depth }: Limits) {
  return {
    code: 'E_DEPTH',
    message: `includes are nested deeper than ${depth}`,
    hint: 'Include the inner files directly, or ask an administrator for a higher limit (depth).',
  };
}

export function countProblem({ includes }: Limits) {
  return {
    code: 'E_COUNT',
    message: `there are more than ${includes} includes`,
    hint: 'Join small fragments, or ask an administrator for a higher limit (includes).',
  };
}
