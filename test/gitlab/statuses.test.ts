/** The outbox of commit statuses: in order, in one pipeline, and the last one always arrives. */
import { expect, test } from 'vitest';
import type { GitLab, StatusPost } from '../../src/clients/gitlab.ts';
import { RemoteError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import { createStatuses, type Status, type StatusWork } from '../../src/gitlab/statuses.ts';
import { createFakeQueue } from '../fakes/queue.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const away = new RemoteError('GitLab is away', { code: 'E_GITLAB' });
const revoked = new RemoteError('401 Unauthorized', { code: 'E_GITLAB_TOKEN', retryable: true });
const refusal = new RemoteError('403 Forbidden', { code: 'E_GITLAB_ACCESS', retryable: false });

function status(change: Partial<Status> = {}): Status {
  return {
    project: 7,
    sha: 'a'.repeat(40),
    ref: 'refs/heads/main',
    name: 'ekiden/build',
    state: 'pending',
    description: 'waits',
    targetUrl: 'http://ekiden.test/builds/b1',
    ...change,
  };
}

/** A GitLab that keeps what is posted; `answer` may wait, or throw. */
function open(answer: (post: StatusPost, count: number) => unknown = () => undefined) {
  const posts: StatusPost[] = [];
  let asked = 0;
  const gitlab: Pick<GitLab, 'postStatus'> = {
    async postStatus(post) {
      asked += 1;
      await answer(post, asked);
      posts.push(post);
      return { pipeline: 500 + asked };
    },
  };
  const queue = createFakeQueue<StatusWork>({ attempts: Number.POSITIVE_INFINITY });
  const keys = openRedis(redis);
  const statuses = createStatuses({ gitlab: gitlab as GitLab, ...keys, queue, log: silent });
  const work = (concurrency: number) =>
    queue.work((each, { first }) => statuses.post(each, { onlyLast: !first }), { concurrency });
  return { ...keys, posts, queue, statuses, work, states: () => posts.map(({ state }) => state) };
}

test('states are posted in the order in which they were reported', async () => {
  const { statuses, work, states } = open(() => new Promise((wake) => setTimeout(wake, 2)));
  const reported = ['pending', 'running', 'success'] as const;
  for (const state of reported) await statuses.report(status({ state }));
  const worker = work(8);
  await expect.poll(states).toEqual(reported);
  await worker.stop();
});

test('GitLab is given the short ref, and everything else as it was reported', async () => {
  const { statuses, work, posts } = open();
  await statuses.report(status({ ref: 'refs/tags/v1/x' }));
  const worker = work(1);
  await expect.poll(() => posts).toMatchObject([{ ...status(), ref: 'v1/x' }]);
  await worker.stop();
});

test('all statuses of a push go to the pipeline of its first', async () => {
  const { statuses, work, posts } = open();
  const worker = work(1);
  const names = ['ekiden/build', 'ekiden/deploy/production/web', 'ekiden/deploy/production/worker'];
  for (const [index, name] of names.entries()) {
    await statuses.report(status({ name }));
    await expect.poll(() => posts).toHaveLength(index + 1);
  }
  const [first, ...more] = posts.map(({ pipeline }) => pipeline);
  expect(first).toBeUndefined();
  expect(more[0]).toBe(501);
  expect(posts[2]?.pipeline).toBeDefined();
  await statuses.report(status({ sha: 'b'.repeat(40) }));
  await statuses.report(status({ ref: 'refs/heads/other', name: 'ekiden/other' }));
  await expect.poll(() => posts).toHaveLength(5);
  expect(posts.slice(3).map(({ pipeline }) => pipeline)).toEqual([undefined, undefined]);
  await worker.stop();
});

test('while GitLab is away states wait; afterwards only the last is posted', async () => {
  let isAway = true;
  let asked = 0;
  const { statuses, work, states } = open(() => {
    asked += 1;
    if (isAway) throw away;
  });
  for (const state of ['pending', 'running', 'success'] as const) {
    await statuses.report(status({ state }));
  }
  const worker = work(1);
  await expect.poll(() => asked).toBeGreaterThan(3);
  expect(states()).toEqual([]);
  isAway = false;
  await expect.poll(states).toEqual(['success']);
  await statuses.report(status({ state: 'failed' }));
  await expect.poll(states).toEqual(['success', 'failed']);
  await worker.stop();
});

test('two workers never post one outbox at a time, and nothing is posted twice', async () => {
  let under = 0;
  let most = 0;
  const { statuses, work, states } = open(async () => {
    under += 1;
    most = Math.max(most, under);
    await new Promise((wake) => setTimeout(wake, 5));
    under -= 1;
  });
  for (const state of ['pending', 'running', 'success'] as const) {
    await statuses.report(status({ state }));
  }
  const workers = [work(4), work(4)];
  await expect.poll(states).toEqual(['pending', 'running', 'success']);
  await Promise.all(workers.map((worker) => worker.stop()));
  expect(most).toBe(1);
});

test('what a repeated leg says again is not posted again, but a change and back is', async () => {
  const { statuses, work, states } = open();
  for (const state of ['running', 'running', 'canceled', 'canceled', 'running'] as const) {
    await statuses.report(status({ state }));
  }
  const worker = work(1);
  await expect.poll(states).toEqual(['running', 'canceled', 'running']);
  await worker.stop();
});

test('the statuses of two refs at one commit do not mix', async () => {
  const { statuses, work, posts } = open();
  await statuses.report(status({ ref: 'refs/heads/main' }));
  await statuses.report(status({ ref: 'refs/tags/v1' }));
  const worker = work(1);
  await expect.poll(() => posts.map(({ ref }) => ref).sort()).toEqual(['main', 'v1']);
  await worker.stop();
});

test('a lock that a dying worker left is waited for', async () => {
  const { statuses, work, states, queue, redis: connection, prefix } = open();
  await statuses.report(status());
  const lock = `${prefix}:status:7:${status().sha}:${status().ref}:ekiden/build:lock`;
  await connection.set(lock, 'of the dead', 'PX', 200);
  const worker = work(1);
  await expect.poll(states).toEqual(['pending']);
  await expect.poll(() => connection.exists(lock)).toBe(0);
  await worker.stop();
  await queue.close();
});

test('what GitLab refuses for good does not keep back what comes after it', async () => {
  const { statuses, work, states } = open(({ state }) => {
    if (state === 'running') throw refusal;
  });
  for (const state of ['pending', 'running', 'success'] as const) {
    await statuses.report(status({ state }));
  }
  const worker = work(1);
  await expect.poll(states).toEqual(['pending', 'success']);
  await worker.stop();
});

test('while the token is refused statuses wait, and a new one brings them', async () => {
  let isRevoked = true;
  let asked = 0;
  const { statuses, work, states, queue } = open(() => {
    asked += 1;
    if (isRevoked) throw revoked;
  });
  await statuses.report(status({ state: 'running' }));
  await statuses.report(status({ state: 'failed' }));
  const worker = work(1);
  await expect.poll(() => asked).toBe(2);
  await statuses.sweep();
  await expect.poll(() => asked).toBe(3);
  await expect.poll(() => queue.waiting()).toEqual([]);
  expect(states()).toEqual([]);
  isRevoked = false;
  await statuses.sweep();
  await expect.poll(states).toEqual(['failed']);
  await worker.stop();
});

test('an outage gathers no work: of many sweeps one waits for each outbox', async () => {
  const { statuses, queue } = open();
  await statuses.report(status());
  await statuses.report(status({ name: 'ekiden/other' }));
  const reported = queue.waiting().length;
  for (let sweep = 0; sweep < 5; sweep += 1) await statuses.sweep();
  expect(queue.waiting()).toHaveLength(reported + 2);
});

test('whoever lost the lock in a slow post leaves the rest to its successor', async () => {
  const holders: (string | null)[] = [];
  const {
    statuses,
    work,
    states,
    redis: connection,
    prefix,
  } = open(async () => {
    const lock = `${prefix}:status:7:${status().sha}:${status().ref}:ekiden/build:lock`;
    holders.push(await connection.get(lock));
    if (holders.length === 1) await connection.set(lock, 'of another', 'PX', 300);
  });
  await statuses.report(status({ state: 'pending' }));
  await statuses.report(status({ state: 'success' }));
  const worker = work(1);
  await expect.poll(states).toEqual(['pending', 'success']);
  expect(holders).toEqual(Array(2).fill(expect.stringMatching(/^[0-9a-f-]{36}$/)));
  expect(holders[1]).not.toBe(holders[0]);
  await worker.stop();
});
