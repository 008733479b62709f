/** Asks GitLab for archives: within its limit, and packed where the way to it is long. */
import { pipeline, Transform } from 'node:stream';
import type { GitLab } from '../../clients/gitlab.ts';
import { untilNextMinute } from '../../clients/gitlab-request.ts';
import { RemoteError } from '../../core/errors.ts';
import type { ArchiveFormat } from './archive-cache.ts';
import type { ArchiveSource } from './archives.ts';

export interface GitLabSourceOptions {
  gitlab: Pick<GitLab, 'archive'>;
  /** Counts an archive of the project; false when GitLab would refuse it this minute. */
  take?: (project: number) => Promise<boolean>;
  /** `auto` packs while plain archives come slowly. */
  format?: ArchiveFormat | 'auto';
  now?: () => number;
}

export function createGitLabSource(options: GitLabSourceOptions): ArchiveSource {
  const { gitlab, take = async () => true, format = 'auto', now = Date.now } = options;
  const way = createWay(now);
  return {
    async fetch({ project, sha, path }) {
      if (!(await take(project))) throw limitReached(now());
      const chosen = format === 'auto' ? way.format() : format;
      const options = { sha, format: chosen, ...(path === '' ? {} : { path }) };
      const stream = await gitlab.archive(project, options);
      if (chosen === 'tar.gz') return { stream, format: chosen };
      const measured = way.measure();
      pipeline(stream, measured, () => undefined);
      return { stream: measured, format: chosen };
    },
  };
}

function limitReached(now: number): RemoteError {
  return new RemoteError('GitLab gives no more archives of this project in this minute.', {
    code: 'E_ARCHIVE_LIMIT',
    hint: 'The build goes on in the next minute; EKIDEN_ARCHIVE_RATE tells Ekiden what GitLab allows.',
    retryAfter: untilNextMinute(now),
  });
}

/** Bytes a second below which packing saves more time than it costs GitLab. */
const nearSpeed = 20 * 1024 ** 2;

/** Smaller archives tell of GitLab's work alone. */
const tellingSize = 4 * 1024 ** 2;

/** A way that was long may be short again. */
const lookAgainAfter = 60 * 60_000;

/** Remembers how fast archives come. */
export function createWay(now: () => number) {
  let packedUntil = 0;
  return {
    format: (): ArchiveFormat => (now() < packedUntil ? 'tar.gz' : 'tar'),
    /** Passes an archive on, and counts what GitLab was waited for, not what the reader was. */
    measure(): Transform {
      let bytes = 0;
      let waited = 0;
      let since: number | undefined;
      return new Transform({
        readableHighWaterMark: 1024 * 1024,
        transform(chunk: Buffer, _, done) {
          if (since !== undefined) {
            waited += now() - since;
            bytes += chunk.length;
          }
          const isFull = this.readableLength + chunk.length >= this.readableHighWaterMark;
          since = isFull ? undefined : now();
          done(null, chunk);
        },
        flush(done) {
          if (bytes >= tellingSize && (bytes / Math.max(1, waited)) * 1_000 < nearSpeed) {
            packedUntil = now() + lookAgainAfter;
          }
          done();
        },
      });
    },
  };
}
