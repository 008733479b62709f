/** What the readers of both builders have in common: messages of Docker become events of steps. */
import type { StepEvent } from '../../core/build-step.ts';
import type { ProgressMessage } from './progress.ts';
import type { Situation } from './step-error.ts';

export type Current = Pick<Situation, 'line' | 'lastWords' | 'image' | 'url'>;

export interface StepReader {
  /** What a message that came at `at` (ms since the epoch) tells of the steps. */
  read(message: ProgressMessage, at: number): StepEvent[];
  /** Ends what still runs when nothing more comes. */
  end(state: 'failed' | 'canceled', at: number): StepEvent[];
  /** The step that failed, or that ran last, and the base image that was asked for last. */
  readonly current: Current;
}

const titleLimit = 120;

/** An instruction in one line that fits a screen. */
export function titleOf(instruction: string): string {
  const line = instruction.replace(/\s+/g, ' ').trim();
  return line.length <= titleLimit ? line : `${line.slice(0, titleLimit - 1)}…`;
}

const wordsKept = 2048;

/** The end of what a step printed, as far as it may tell why it failed. */
export function lastWordsOf(before: string, text: string): string {
  return (before + text.slice(-wordsKept)).slice(-wordsKept);
}
