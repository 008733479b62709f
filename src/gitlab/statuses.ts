/** Keeps the commit statuses in GitLab true: each is posted in order, and the last one always arrives. */
import { createHash } from 'node:crypto';
import type { GitLab, StatusState } from '../clients/gitlab.ts';
import type { Redis } from '../clients/redis.ts';
import { EkidenError, RemoteError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Queue } from '../core/queue.ts';
import { shortRef } from '../core/ref.ts';

/** A status as a station wants it to be. */
export interface Status {
  project: number;
  sha: string;
  name: string;
  /** Full ref. */
  ref: string;
  state: StatusState;
  description: string;
  targetUrl: string;
}

/** Work of the queue: the outbox of one status of one commit has something to say. */
export interface StatusWork {
  outbox: string;
  /** It has waited for long, so that the states in between are no news any more. */
  swept?: boolean;
}

export interface StatusesOptions {
  gitlab: GitLab;
  redis: Redis;
  prefix: string;
  queue: Queue<StatusWork>;
  log: Log;
}

export interface Statuses {
  /** Puts a status into its outbox; resolves when it will be posted for certain. */
  report(status: Status): Promise<void>;
  /** Posts what an outbox holds; with `onlyLast`, the states in between are left out. */
  post(work: StatusWork, options: { onlyLast: boolean }): Promise<void>;
  /** Queues the outboxes that still hold something, such as those that GitLab was away for too long. */
  sweep(): Promise<void>;
}

/** Longer than the slowest post, before each of which it begins anew. */
const lockMilliseconds = 30_000;
const outboxSeconds = 7 * 24 * 60 * 60;

const forgetScript = `
  if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SREM', KEYS[1], KEYS[2]) end`;

const unlockScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;

const renewScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0`;

export function createStatuses(options: StatusesOptions): Statuses {
  const { redis, prefix, queue } = options;
  const waiting = `${prefix}:outboxes`;

  return {
    async report(status) {
      const { project, sha, ref, name } = status;
      const outbox = `${prefix}:status:${project}:${sha}:${ref}:${name}`;
      await redis
        .multi()
        .rpush(outbox, JSON.stringify(status))
        .expire(outbox, outboxSeconds)
        .sadd(waiting, outbox)
        .exec();
      await queue.add({ outbox }, { id: crypto.randomUUID() });
    },
    async post({ outbox, swept }, { onlyLast }) {
      const lock = `${outbox}:lock`;
      const token = crypto.randomUUID();
      if ((await redis.set(lock, token, 'PX', lockMilliseconds, 'NX')) === null) {
        // Whoever holds the lock empties the outbox; this looks again in case it is dying.
        await queue.add({ outbox }, { id: crypto.randomUUID(), delay: 1_000 });
        return;
      }
      const isOurs = async () => {
        return (await redis.eval(renewScript, 1, lock, token, lockMilliseconds)) === 1;
      };
      try {
        if (onlyLast || swept) await redis.ltrim(outbox, -1, -1);
        await emptyOutbox(options, { outbox, isOurs });
        await redis.eval(forgetScript, 2, waiting, outbox);
      } finally {
        await redis.eval(unlockScript, 1, lock, token);
      }
    },
    async sweep() {
      for (const outbox of await redis.smembers(waiting)) {
        // One id for each, so that an outage of days gathers no more work than one of minutes.
        const id = createHash('sha256').update(outbox).digest('hex');
        await queue.add({ outbox, swept: true }, { id, once: true });
      }
    },
  };
}

interface Emptying {
  outbox: string;
  /** Makes the lock last; false when it ran out and is another's. */
  isOurs: () => Promise<boolean>;
}

async function emptyOutbox(options: StatusesOptions, { outbox, isOurs }: Emptying): Promise<void> {
  const { redis, log } = options;
  const first = () => redis.lindex(outbox, 0);
  for (let text = await first(); text !== null && (await isOurs()); text = await first()) {
    const status = JSON.parse(text) as Status;
    const { sha, name, state } = status;
    try {
      await postOnce(options, outbox, status);
      log.debug({ sha, name, state }, 'status posted');
    } catch (error) {
      if (error instanceof EkidenError && error.code === 'E_GITLAB_TOKEN') {
        log.error({ error: error.message, hint: error.hint }, 'GitLab refuses GITLAB_TOKEN');
        throw untilSweep(error);
      }
      if (!(error instanceof EkidenError) || error.retryable) throw error;
      // What GitLab will never take must not keep back what comes after it.
      log.warn({ sha, name, state, error: error.message }, 'GitLab refused a status');
    }
    // By its text: when the lock ran out, another worker may have taken it away already.
    await redis.lrem(outbox, 1, text);
  }
}

/** Nothing is wrong with the status: it waits for the next sweep, or a start with a new token. */
function untilSweep(error: EkidenError): RemoteError {
  const { message, code } = error;
  return new RemoteError(message, { code, retryable: false, cause: error });
}

/** A leg that is repeated says again what GitLab shows already; a second row would be noise. */
async function postOnce(options: StatusesOptions, outbox: string, status: Status): Promise<void> {
  const { redis } = options;
  const said = JSON.stringify([status.state, status.description, status.targetUrl]);
  if ((await redis.get(`${outbox}:said`)) === said) return;
  await postOne(options, status);
  await redis.set(`${outbox}:said`, said, 'EX', outboxSeconds);
}

async function postOne({ redis, gitlab, prefix }: StatusesOptions, status: Status): Promise<void> {
  const pipelineKey = `${prefix}:pipeline:${status.project}:${status.sha}:${status.ref}`;
  const known = await redis.get(pipelineKey);
  const { pipeline } = await gitlab.postStatus({
    ...status,
    ref: shortRef(status.ref),
    ...(known === null ? {} : { pipeline: Number(known) }),
  });
  // All statuses of a push belong in one pipeline, else some are left running for ever.
  if (pipeline !== undefined) await redis.set(pipelineKey, pipeline, 'EX', outboxSeconds);
}
