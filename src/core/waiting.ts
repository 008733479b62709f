/** How long builds wait in line, and how people are told; pure. */
import type { Build, Waiting } from './build.ts';

/** Milliseconds that a build is thought to take where nothing is known of any. */
export const unknownBuild = 60_000;

export interface Ahead {
  /** Builds that all hosts together run at a time. */
  slots: number;
  /** Milliseconds that each running build is thought to take still. */
  running: number[];
  /** Milliseconds that each waiting build is thought to take, in the order of the line. */
  waiting: number[];
}

/** Milliseconds until each waiting build begins, in the order of the line; none without a slot. */
export function expectedWaits({ slots, running, waiting }: Ahead): (number | undefined)[] {
  if (slots === 0) return waiting.map(() => undefined);
  // Who runs more than its slots, after somebody changed them, takes up none before they are free.
  const ends = running.map((left) => Math.max(0, left)).sort((a, b) => b - a);
  const free = Array.from({ length: slots }, (_, slot) => ends[slot] ?? 0);
  return waiting.map((takes) => {
    const start = Math.min(...free);
    free[free.indexOf(start)] = start + takes;
    return start;
  });
}

/** The middle one of what was measured; undefined of nothing. */
export function medianOf(values: number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Seconds as coarse as an estimate is, so that what is told changes seldom. */
export function coarseSeconds(milliseconds: number): number {
  const seconds = milliseconds / 1000;
  if (seconds < 90) return Math.ceil(seconds / 10) * 10;
  if (seconds < 3_600) return Math.round(seconds / 60) * 60;
  return Math.round(seconds / 600) * 600;
}

/** What a waiting build says of itself, such as `waits for a builder: 3rd in line, about 2 min`. */
export function describeWaiting({ reason, waiting }: Pick<Build, 'reason' | 'waiting'>): string {
  if (waiting?.why !== undefined) return waiting.why;
  // In line it waits for its turn, whatever it was put off for before.
  if (waiting?.position === undefined && reason !== undefined) return reason;
  const words = [...placeWords(waiting), ...timeWords(waiting)];
  return ['waits for a builder', words.join(', ')].filter(Boolean).join(': ');
}

function placeWords({ position }: Partial<Waiting> = {}): string[] {
  return position === undefined ? [] : [`${ordinal(position)} in line`];
}

function timeWords({ expectedSeconds }: Partial<Waiting> = {}): string[] {
  return expectedSeconds === undefined || expectedSeconds === 0
    ? []
    : [`about ${span(expectedSeconds)}`];
}

const endings = new Map([
  ['one', 'st'],
  ['two', 'nd'],
  ['few', 'rd'],
]);
const rules = new Intl.PluralRules('en', { type: 'ordinal' });

/** Such as 1st, 12th and 23rd. */
export function ordinal(count: number): string {
  return `${count}${endings.get(rules.select(count)) ?? 'th'}`;
}

function span(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}
