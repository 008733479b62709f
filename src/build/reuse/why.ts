/** Says of each step of a Dockerfile that was not taken from the cache why it ran anew. */
import { posix } from 'node:path';
import type { BuildStep } from '../../core/build-step.ts';
import { compilePattern } from '../context/ignore-pattern.ts';

export interface Missed {
  steps: BuildStep[];
  /** Of the build before; absent where none is known. */
  previousSteps?: readonly BuildStep[] | undefined;
  /** What differs between both commits, from the repository's root; absent where nobody knows. */
  changedPaths?: readonly string[] | undefined;
  /** Folder of the context, `` for the repository's root. */
  context: string;
}

const namesShown = 3;

/** The steps, those that ran anew with their reason. */
export function whyMissed(missed: Missed): BuildStep[] {
  const { steps, previousSteps } = missed;
  const titles = previousSteps && new Set(previousSteps.map(({ title }) => title));
  const before = predecessors(steps);
  return steps.map((step) => {
    if (!ranAnew(step)) return step;
    const why = reasonOf(step, { ...missed, titles, before: before.get(step) ?? [] });
    return why === undefined ? step : { ...step, why };
  });
}

interface Situation extends Missed {
  titles: ReadonlySet<string> | undefined;
  /** The steps before it in its stage, the nearest first. */
  before: BuildStep[];
}

function ranAnew({ state }: BuildStep): boolean {
  return state === 'miss' || state === 'failed';
}

function reasonOf(step: BuildStep, situation: Situation): string | undefined {
  const { titles, before, steps } = situation;
  if (keywordOf(step) === 'FROM') return undefined;
  if (titles === undefined) return 'first build here';
  if (!titles.has(step.title)) return 'the instruction changed';
  const stage = stageOf(step.title);
  if (stage !== undefined) {
    const isStage = steps.some(({ title }) => aliasOf(title) === stage);
    if (isStage) return `stage ${stage} ran anew`;
  }
  const changed = changedFiles(step, situation);
  if (changed !== undefined) return changed;
  const cause = before.find((other) => ranAnew(other) && keywordOf(other) !== 'FROM');
  if (cause !== undefined) return `the step before it ran anew: ${cause.origin ?? cause.title}`;
  // BuildKit looks a base image up each time, so that its own step does not tell.
  const isFirst = before.every((other) => keywordOf(other) === 'FROM');
  return isFirst ? 'the base image changed, or the cache lacks it' : 'the cache lacks it';
}

/** Such as `package-lock.json changed`; undefined for a step that copies nothing that did. */
function changedFiles(step: BuildStep, { changedPaths, context }: Situation): string | undefined {
  const sources = contextSources(step.title);
  if (sources === undefined) return undefined;
  if (changedPaths === undefined) return 'files that it copies changed';
  const prefix = context === '' ? '' : `${context}/`;
  const matches = sources.map(matcherOf);
  const found = changedPaths
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .filter((path) => matches.some((isMatch) => isMatch(path)));
  if (found.length === 0) return undefined;
  const more = found.length - namesShown;
  const names = found.slice(0, namesShown).join(', ');
  return `${names}${more > 0 ? ` and ${more} more` : ''} changed`;
}

/** What a COPY or ADD takes of the context; undefined for steps that take nothing of it. */
export function contextSources(title: string): string[] | undefined {
  const [, flags, rest = ''] = /^(?:COPY|ADD)((?:\s+--\S+)*)\s+(.*)$/is.exec(title) ?? [];
  if (flags === undefined || /--from=/i.test(flags)) return undefined;
  const words = listOf(rest) ?? rest.split(/\s+/);
  // The last one is where they go; of a title that was cut, what is left of a source.
  return words.slice(0, -1).filter((word) => !word.includes('://'));
}

function listOf(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
}

/** A folder stands for all below it, as a wildcard that matches one does. */
function matcherOf(source: string): (path: string) => boolean {
  const wanted = posix.join('/', source).replace(/\/$/, '').slice(1);
  if (wanted === '') return () => true;
  const isMatch = patternOf(wanted);
  return (path) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (isMatch(path.slice(0, end))) return true;
    }
    return false;
  };
}

function patternOf(wanted: string): (path: string) => boolean {
  if (!/[*?[\\]/.test(wanted)) return (path) => path === wanted;
  try {
    return compilePattern(wanted);
  } catch {
    return () => false;
  }
}

/** For each step those before it in its stage, the nearest first; stages may have run side by side. */
function predecessors(steps: readonly BuildStep[]): Map<BuildStep, BuildStep[]> {
  const places = new Map<BuildStep, number[]>();
  let last: number[] = [];
  for (const step of steps) {
    // A label that Ekiden adds is written nowhere; it stands behind what was written.
    if (step.origin !== undefined) last = placeOf(step.origin);
    places.set(step, last);
  }
  const inFile = [...steps].sort((a, b) => compare(places.get(a) ?? [], places.get(b) ?? []));
  const found = new Map<BuildStep, BuildStep[]>();
  let stage: BuildStep[] = [];
  for (const step of inFile) {
    if (keywordOf(step) === 'FROM') stage = [];
    found.set(step, stage);
    stage = [step, ...stage];
  }
  return found;
}

/** The lines that lead to it, such as 3 and 7 of `Dockerfile:3 → template:node@20.1.0:7`. */
function placeOf(origin: string): number[] {
  return origin.split(' → ').map((part) => Number(part.slice(part.lastIndexOf(':') + 1)) || 0);
}

function compare(a: number[], b: number[]): number {
  for (let n = 0; n < Math.min(a.length, b.length); n++) {
    const difference = (a[n] ?? 0) - (b[n] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function keywordOf({ title }: BuildStep): string {
  return (/^\w+/.exec(title)?.[0] ?? '').toUpperCase();
}

function stageOf(title: string): string | undefined {
  return /^(?:COPY|ADD)\s(?:.*\s)?--from=(\S+)/i.exec(title)?.[1]?.toLowerCase();
}

function aliasOf(title: string): string | undefined {
  return /^FROM\s.*\sAS\s+(\S+)$/i.exec(title)?.[1]?.toLowerCase();
}
