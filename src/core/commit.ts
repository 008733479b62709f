/** A commit as people know it. */

export interface CommitNote {
  sha: string;
  /** First line of its message. */
  title: string;
  /** Name of who wrote it. */
  author?: string;
  /** Milliseconds since the epoch. */
  at?: number;
}

/** Asks GitLab what people know of commits; what it does not tell in time is left out. */
export interface CommitNotes {
  /** By sha. */
  find(project: number, shas: string[]): Promise<Map<string, CommitNote>>;
  /** Those that `to` has and `from` has not, newest first; undefined where GitLab does not tell. */
  between(project: number, from: string, to: string): Promise<CommitNote[] | undefined>;
}
