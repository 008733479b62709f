/** What Marathon's launch queue tells of what waits, in one sentence. */
import { describe, expect, it } from 'vitest';
import { appSchema, queueItemSchema } from '../../src/clients/marathon-model.ts';
import { whyNow, whyOf } from '../../src/deploy/why/why.ts';

const old = '2026-01-01T00:00:00.000Z';
const now = '2026-01-02T00:00:00.000Z';
const isOurs = (version?: string) => version === now;
const appOf = (tasks: object[], more: object = {}) =>
  appSchema.parse({ id: '/a', version: now, instances: 2, tasks, ...more });
const failed = (message: string) => ({
  lastTaskFailure: { taskId: 't', state: 'TASK_FAILED', message, version: now },
});

const none = { declined: 0, processed: 3 };
const queue = (change: object = {}, reasons: string[] = []) =>
  queueItemSchema.parse({
    app: {
      id: '/a',
      cpus: 4,
      mem: 2048,
      disk: 10,
      gpus: 1,
      constraints: [['hostname', 'LIKE', 'gpu-.*']],
      acceptedResourceRoles: ['gpu'],
    },
    count: 1,
    delay: { timeLeftSeconds: 0, overdue: true },
    processedOffersSummary: {
      rejectSummaryLastOffers: [
        { reason: 'UnfulfilledRole', ...none },
        ...reasons.map((reason) => ({ reason, declined: 3, processed: 3 })),
      ],
      rejectSummaryLaunchAttempt: [],
    },
    ...change,
  });
const offer = (cpus: number, mem: number) => ({
  offer: {
    hostname: 'n',
    resources: [
      { name: 'cpus', scalar: cpus },
      { name: 'mem', scalar: mem },
    ],
  },
});

describe('the queue', () => {
  const empty = appOf([]);
  it.each([
    [
      'processors',
      queue({ lastUnusedOffers: [offer(2, 1), offer(1.5, 1)] }, ['InsufficientCpus']),
      'no node has 4 processors free (the most that one has is 2)',
    ],
    [
      'memory',
      queue({ lastUnusedOffers: [offer(8, 1200)] }, ['InsufficientMemory']),
      'no node has 2048 MiB of memory free (the most that one has is 1200 MiB)',
    ],
    [
      'without the offers',
      queue({}, ['InsufficientMemory']),
      'no node has 2048 MiB of memory free',
    ],
    [
      'many instances',
      queue({ count: 12 }, ['InsufficientCpus']),
      'no node has 4 processors free, and 12 instances wait',
    ],
    ['disk', queue({}, ['InsufficientDisk']), 'no node has 10 MiB on its disk free'],
    ['GPUs', queue({}, ['InsufficientGpus']), 'no node has 1 GPUs free'],
    ['ports', queue({}, ['InsufficientPorts']), 'no node has the ports free that it asks for'],
    [
      'a constraint',
      queue({}, ['UnfulfilledConstraint']),
      'no node meets its constraint hostname LIKE gpu-.*',
    ],
    ['a role', queue({}, ['UnfulfilledRole']), 'no node offers for its role gpu'],
    [
      'two lacks',
      queue({}, ['InsufficientCpus', 'InsufficientPorts']),
      'no node has 4 processors free, and none has the ports free that it asks for',
    ],
    ['Docker', queue({}, ['DockerUnavailable']), 'no node has a Docker that answers'],
    ['a new reason', queue({}, ['Moonlight']), 'no node can take it (Moonlight)'],
    ['no offer yet', queue(), 'waits for a node that has room'],
  ])('%s', (_, queued, wanted) => {
    expect(whyNow({ app: empty, isOurs, queued })).toBe(wanted);
    expect(whyOf({ app: empty, isOurs, queued })).toBe(wanted);
  });

  it('falls back to what declined it since it began to wait', () => {
    const rejectSummaryLaunchAttempt = [{ reason: 'InsufficientPorts', declined: 1, processed: 1 }];
    const processedOffersSummary = { rejectSummaryLaunchAttempt };
    const queued = queue({ processedOffersSummary });
    expect(whyNow({ app: empty, isOurs, queued })).toBe(
      'no node has the ports free that it asks for',
    );
    const taken = { ...processedOffersSummary, lastUsedOfferAt: now, lastUnusedOfferAt: old };
    const later = queue({ processedOffersSummary: taken });
    expect(whyNow({ app: empty, isOurs, queued: later })).toBe('waits for a node that has room');
  });

  it('leaves it to the end of the task to say which image cannot be had, and why', () => {
    const app = appOf([], failed("Cannot pull image 'r.test/a:1': no such host"));
    const facts = { app, isOurs, queued: queue({}, ['ImageUnavailable']) };
    expect(whyNow(facts)).toBe('its image r.test/a:1 cannot be pulled: no such host');
  });

  it('pauses after failures, which passes by itself', () => {
    const app = appOf([], failed('Container exited with status 3'));
    const queued = queue({ delay: { timeLeftSeconds: 40, overdue: false } }, ['InsufficientCpus']);
    const facts = { app, isOurs, queued, ended: 5, lastWords: 'no DATABASE_URL' };
    const why = 'exited with status 3; it said last: no DATABASE_URL';
    expect(whyNow(facts)).toBe(
      `waits 40 s more before the next try, after it ended 5 times: ${why}`,
    );
    expect(whyNow({ ...facts, ended: 1 })).toContain('after it ended once: ');
    expect(whyOf(facts)).toBe(why);
  });
});
