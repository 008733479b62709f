/** A step of a Dockerfile as a builder runs it, told alike by the classic builder and BuildKit. */

export interface BuildStep {
  /** The instruction, in one line and cut to a length that fits a screen: `RUN npm ci`. */
  title: string;
  /** Where people wrote it, such as `Dockerfile:12` or `Dockerfile:3 → template:tomcat@9.1.0:7`. */
  origin?: string;
  /** `hit`: taken from the cache; `miss`: run anew. */
  state: 'running' | 'hit' | 'miss' | 'failed' | 'canceled';
  /** In milliseconds since the epoch. */
  start: number;
  end?: number;
  /** Why it was not taken from the cache, such as `package-lock.json changed`. */
  why?: string;
}

/** What a builder says on the way; `step` is its own id of a step. */
export type StepEvent =
  | { type: 'started'; step: string; title: string; origin?: string; at: number }
  /** Text as the step printed it; a piece may end anywhere, but never within a character. */
  | { type: 'output'; step: string; text: string }
  | { type: 'ended'; step: string; state: 'hit' | 'miss' | 'failed' | 'canceled'; at: number }
  /** What belongs to no step, such as a pull of a base image. */
  | { type: 'said'; text: string };
