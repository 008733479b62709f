/** How far a deployment is, judged from Marathon's answers. */
import { describe, expect, it } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { progressOf, versionsOf } from '../../src/deploy/rollout/progress.ts';

const old = '2026-01-01T00:00:00.000Z';
const now = '2026-01-02T00:00:00.000Z';
const alive = { alive: true };
const dead = (lastFailureCause?: string) => ({ alive: false, lastFailureCause });

interface Task {
  id?: string;
  version?: string;
  state?: string;
  healthCheckResults?: { alive: boolean; lastFailureCause?: string | undefined }[];
}

const task = (change: Task = {}) => ({
  id: 't',
  appId: '/a',
  version: now,
  state: 'TASK_RUNNING',
  ...change,
});

const appOf = (tasks: Task[], more: object = { healthChecks: [{ protocol: 'TCP' }] }) =>
  appSchema.parse({ id: '/a', version: now, instances: 2, tasks: tasks.map(task), ...more });

const isNow = (version?: string) => version === now;
const looking = { isOurs: isNow, hasSettled: () => true };

describe('progressOf', () => {
  const healthy = { healthCheckResults: [alive] };
  it.each([
    ['nothing runs', [], { running: 0, healthy: 0, isRunning: false, isHealthy: false }],
    [
      'only old instances are healthy',
      [
        { ...healthy, version: old },
        { ...healthy, version: old },
      ],
      { running: 0, healthy: 0, isRunning: false, isHealthy: false },
    ],
    [
      'one is staging',
      [healthy, { state: 'TASK_STAGING' }],
      { running: 1, healthy: 1, isRunning: false, isHealthy: false },
    ],
    [
      'one was not checked yet',
      [healthy, {}],
      { running: 2, healthy: 1, isRunning: true, isHealthy: false },
    ],
    [
      'one check of two fails',
      [healthy, { healthCheckResults: [alive, dead()] }],
      { running: 2, healthy: 1, isRunning: true, isHealthy: false },
    ],
    [
      'all are healthy beside old ones',
      [healthy, healthy, { version: old }],
      { running: 2, healthy: 2, isRunning: true, isHealthy: true },
    ],
    [
      'one is being killed',
      [healthy, { ...healthy, state: 'TASK_KILLING' }],
      { running: 1, healthy: 1, isRunning: false, isHealthy: false },
    ],
  ])('%s', (_, tasks, wanted) => {
    const { running, healthy, ...rest } = progressOf(appOf(tasks), looking);
    expect({ running: running.length, healthy: healthy.length, ...rest }).toEqual(wanted);
  });

  it('believes in what runs for a while where nothing is checked', () => {
    const app = appOf([{ id: 'old' }, { id: 'young' }], {});
    expect(progressOf(app, looking)).toMatchObject({ isRunning: true, isHealthy: true });
    const hasSettled = ({ id }: { id: string }) => id === 'old';
    expect(progressOf(app, { ...looking, hasSettled })).toMatchObject({
      healthy: [{ id: 'old' }],
      isHealthy: false,
    });
  });

  it('is done at once with no instances', () => {
    const stopped = { ...appOf([]), instances: 0 };
    expect(progressOf(stopped, looking)).toMatchObject({ isRunning: true, isHealthy: true });
  });
});

describe('versionsOf', () => {
  const [before, sent, scaled] = [old, '2026-01-01T12:00:00.000Z', now];
  const marathon = { version: sent, deployment: 'd' };
  const runs = (release: number, change: object = {}) =>
    appOf([], { labels: { 'ekiden.release': String(release) }, version: scaled, ...change });
  const info = { versionInfo: { lastConfigChangeAt: sent, lastScalingAt: scaled } };

  it.each([
    ['of the release and those that scaling added', runs(4, info), [sent, scaled]],
    [
      'under which Marathon runs the release, not what a repeated request was answered',
      runs(4, { versionInfo: { lastConfigChangeAt: before, lastScalingAt: before } }),
      [before, sent, scaled],
    ],
    ['that was answered, while Marathon runs another release', runs(3, info), [sent]],
    ['that was answered, while the app is gone', undefined, [sent]],
    ['of very old Marathons, which leave much out', runs(4, { version: sent }), [sent, scaled]],
  ])('are those %s', (_, app, wanted) => {
    const isOurs = versionsOf(app, { release: 4, marathon });
    expect([before, sent, scaled].filter(isOurs)).toEqual(wanted);
    expect(isOurs(undefined)).toBe(false);
  });
});
