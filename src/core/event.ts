/** What one leg of the journey hands to the next; src/relay.ts alone says who takes it. */
import type { Build, BuildCause } from './build.ts';

/** A branch or tag has a commit that somebody pushed. */
export interface PushReceived {
  type: 'push.received';
  build: string;
  project: number;
  ref: string;
  before: string;
  sha: string;
  /** Without a hook, GitLab showed this commit as the head, or a person asked for it. */
  cause: BuildCause;
  /** Whose push it was, or who asked for it, as GitLab names them. */
  by?: string;
  /** GitLab's id of that user. */
  actor?: number;
  /** What a person wants of a build that does another one again. */
  again?: Pick<Build, 'retryOf' | 'pins' | 'noCache'>;
  /** When the last byte of the delivery came, and when it was let in. */
  receivedAt: number;
  acceptedAt: number;
}

/** A branch or tag is gone. */
export interface RefDeleted {
  type: 'ref.deleted';
  project: number;
  ref: string;
}

/** What hooks hand in. */
export type Arrival = PushReceived | RefDeleted;

export type JourneyEvent =
  | {
      type: 'head.moved';
      /** Build that gives way. */
      build: string;
      project: number;
      ref: string;
      before: string;
      sha: string;
    }
  | { type: 'build.resolved'; build: string }
  | { type: 'build.started'; build: string }
  | { type: 'build.skipped'; build: string }
  | { type: 'build.superseded'; build: string }
  | { type: 'build.failed'; build: string }
  | { type: 'build.canceled'; build: string }
  | { type: 'image.pushed'; build: string }
  | { type: 'deployment.requested'; deployment: string }
  | { type: 'deployment.held'; deployment: string }
  | { type: 'deployment.started'; deployment: string }
  | { type: 'deployment.superseded'; deployment: string }
  | { type: 'deployment.failed'; deployment: string }
  | { type: 'deployment.succeeded'; deployment: string };

/** Hands an event on; resolves when whoever is next has it for certain. */
export type HandOn = (event: JourneyEvent) => Promise<void>;
