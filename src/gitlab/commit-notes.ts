/** What people know of commits, as far as GitLab tells it in time; a page without titles is still a page. */
import type { GitLab } from '../clients/gitlab.ts';
import type { CommitNote, CommitNotes } from '../core/commit.ts';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

export interface CommitNotesOptions {
  gitlab: Pick<GitLab, 'describe' | 'between'>;
  log: Log;
  /** Milliseconds that a list waits for titles; default: 2 s. */
  patience?: number;
}

/** Commits never change; of so many what is known takes about a megabyte. */
const mostKept = 5_000;

export function createCommitNotes({
  gitlab,
  log,
  patience = 2_000,
}: CommitNotesOptions): CommitNotes {
  const known = new Map<string, CommitNote>();

  async function ask(project: number, sha: string): Promise<CommitNote | undefined> {
    const found = await gitlab.describe(project, sha).catch((error: unknown) => {
      log.debug({ project, sha, error: messageOf(error) }, 'a commit has no title for now');
      return undefined;
    });
    if (!found) return undefined;
    for (const oldest of known.keys()) {
      if (known.size < mostKept) break;
      known.delete(oldest);
    }
    known.set(`${project} ${sha}`, found);
    return found;
  }

  return {
    async find(project, shas) {
      const missing = [...new Set(shas)].filter((sha) => !known.has(`${project} ${sha}`));
      const asked = Promise.all(missing.map((sha) => ask(project, sha)));
      await within(patience, asked);
      return new Map(
        shas.flatMap((sha) => {
          const note = known.get(`${project} ${sha}`);
          return note ? [[sha, note]] : [];
        }),
      );
    },
    between: (project, from, to) =>
      gitlab.between(project, from, to).catch((error: unknown) => {
        log.debug({ project, from, to, error: messageOf(error) }, 'commits cannot be listed');
        return undefined;
      }),
  };
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, end]);
  clearTimeout(timer);
}
