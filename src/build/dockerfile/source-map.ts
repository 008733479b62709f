/** Where each line of an expanded Dockerfile was written. */

import type { SourceRun } from '../../core/build.ts';

/** A line of a source file: `Dockerfile`, `docker/base.dockerfile` or `template:node@20.1.0`. */
export interface Origin {
  file: string;
  /** From 1. */
  line: number;
}

/** A run of lines, with the INCLUDE lines that led there, outermost first; none for the Dockerfile itself. */
export interface TracedRun extends SourceRun {
  via: readonly Origin[];
}

/** An origin with the INCLUDE lines that led to it, outermost first. */
export interface TracedOrigin extends Origin {
  via: readonly Origin[];
}

/**
 * Where line `line` (from 1) of the output was written; undefined outside the output. A walk is enough: an INCLUDE adds
 * two runs, and there are few of them.
 */
export function originOf(
  map: readonly (SourceRun & { via?: readonly Origin[] })[],
  line: number,
): TracedOrigin | undefined {
  let offset = line - 1;
  if (offset < 0) return undefined;
  for (const run of map) {
    if (offset < run.count) return { file: run.file, line: run.line + offset, via: run.via ?? [] };
    offset -= run.count;
  }
  return undefined;
}

/** The way to a line as a developer reads it: `Dockerfile:12 → template:tomcat@9.1.0:7`. */
export function renderOrigin({ file, line, via }: TracedOrigin): string {
  return [...via, { file, line }].map((origin) => `${origin.file}:${origin.line}`).join(' → ');
}
