/** Why an app is not as it should be: one sentence for everything that Marathon and nodes can tell. */
import { describe, expect, it } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import type { ListeningPort } from '../../src/core/node.ts';
import { whyOf } from '../../src/deploy/why/why.ts';
import { answersOf } from '../../src/deploy/why/why-checks.ts';

const old = '2026-01-01T00:00:00.000Z';
const now = '2026-01-02T00:00:00.000Z';
const alive = { alive: true };
const dead = (lastFailureCause?: string) => ({ alive: false, lastFailureCause });
const isOurs = (version?: string) => version === now;

const task = (change: object = {}) => ({
  id: 't',
  appId: '/a',
  version: now,
  state: 'TASK_RUNNING',
  ports: [31_000],
  ...change,
});
const http = { protocol: 'HTTP', path: '/health', portIndex: 0 };
const bridged = { container: { portMappings: [{ containerPort: 8080 }] } };
const appOf = (tasks: object[], more: object = {}) =>
  appSchema.parse({
    ...{ id: '/a', version: now, instances: 2, healthChecks: [http], ...bridged },
    ...{ tasks: tasks.map(task), ...more },
  });
const failing = (...causes: (string | undefined)[]) =>
  appOf([{ healthCheckResults: causes.map((cause) => dead(cause)) }]);
const failed = (message: string, version = now) => ({
  lastTaskFailure: { taskId: 't', state: 'TASK_FAILED', message, version },
});
const listening = (...ports: (number | ListeningPort)[]) => ({
  listening: new Map([
    ['t', ports.map((port) => (typeof port === 'number' ? { port, loopback: false } : port))],
  ]),
});

const refused = 'ConnectException: Connection refused (Connection refused)';

describe('checks', () => {
  it.each([
    [
      'the engine has looked',
      failing('listens on 3000, checked 8080'),
      {},
      'listens on 3000, checked 8080',
    ],
    ['a status of the engine', failing('HTTP 500 from /health'), {}, 'HTTP 500 from /health'],
    ['a status of Marathon', failing('503 Service Unavailable'), {}, 'HTTP 503 from /health'],
    [
      'refused, and nobody looked',
      failing(refused),
      {},
      'the check HTTP /health on 8080 fails: connection refused',
    ],
    [
      'refused, and it listens elsewhere',
      failing(refused),
      listening(3000),
      'listens on 3000, checked 8080',
    ],
    [
      'refused, and it listens nowhere',
      failing(refused),
      listening(),
      'listens on no port, checked 8080',
    ],
    [
      'refused, and it listens',
      failing(refused),
      listening(8080),
      'the check HTTP /health on 8080 fails: connection refused',
    ],
    [
      'it listens for itself alone',
      failing(refused),
      listening({ port: 8080, loopback: true }),
      'the container listens on port 8080 of its loopback address only; it must listen on 0.0.0.0',
    ],
    [
      'a late answer',
      failing('timed out after 2 s'),
      listening(8080),
      'the check HTTP /health on 8080 fails: timed out after 2 s',
    ],
    [
      'a late answer of Marathon',
      failing('AskTimeoutException: Ask timed'),
      {},
      'the check HTTP /health on 8080 fails: timed out',
    ],
    [
      'a command',
      appOf([{ healthCheckResults: [dead('exited with 2')] }], {
        healthChecks: [{ protocol: 'COMMAND' }],
      }),
      listening(1),
      'the check COMMAND fails: exited with 2',
    ],
    [
      'of several, the first that fails',
      appOf([
        { healthCheckResults: [alive, dead()] },
        { healthCheckResults: [dead('HTTP 500 from /')] },
      ]),
      {},
      'HTTP 500 from /health',
    ],
    [
      "in the host's network, the port of the host",
      appOf([{ healthCheckResults: [dead(refused)] }], { container: {} }),
      listening(3000),
      'listens on 3000, checked 31000',
    ],
    [
      'before the first answer, where it listens',
      appOf([{}]),
      listening(3000),
      'listens on 3000, checked 8080',
    ],
    [
      'a check goes before a death',
      appOf([{ healthCheckResults: [dead('HTTP 500')] }], failed('Container exited with status 1')),
      {},
      'HTTP 500 from /health',
    ],
  ])('%s', (_, app, more, wanted) => {
    expect(whyOf({ app, isOurs, ...more })).toBe(wanted);
  });

  it('are told with what they said last', () => {
    const result = { ...dead('HTTP 500'), consecutiveFailures: 2, lastFailure: now };
    const app = appOf([{ healthCheckResults: [result] }]);
    expect(app.tasks.flatMap((each) => answersOf(app, each))).toEqual([
      {
        check: 'HTTP /health on 8080',
        alive: false,
        consecutiveFailures: 2,
        cause: 'HTTP 500',
        at: Date.parse(now),
      },
    ]);
  });
});

describe('what ends again and again', () => {
  const facts = (message: string, state: string, cause: string) => {
    const lastTaskFailure = { taskId: 'x', state, message, version: now };
    return { app: appOf([{ healthCheckResults: [dead(cause)] }], { lastTaskFailure }), isOurs };
  };
  it.each([
    [
      'is told of, while the next one begins',
      facts('Container exited with status 3', 'TASK_FAILED', refused),
      'exited with status 3',
    ],
    [
      'since its checks fail, is told of by what they say',
      facts('Task was killed since health check failed. Reason: x', 'TASK_KILLED', refused),
      'the check HTTP /health on 8080 fails: connection refused',
    ],
  ])('%s', (_, given, wanted) => {
    expect(whyOf(given)).toBe(wanted);
  });
});

describe('otherwise', () => {
  it.each([
    [
      'the last one died',
      appOf([{ state: 'TASK_STAGING' }], failed('Container exited with status 3')),
      'exited with status 3',
    ],
    ['the death was of an old one', appOf([], failed('x', old)), 'no instance was started'],
    ['a death without words', appOf([], failed('')), 'no instance was started'],
    [
      'old instances say nothing',
      appOf([{ version: old, healthCheckResults: [dead('old')] }]),
      'no instance was started',
    ],
    [
      'it starts',
      appOf([{ state: 'TASK_STAGING', host: 'n1' }]),
      'its image is being pulled or its container made on n1',
    ],
    [
      'nothing is known yet',
      appOf([{}, { state: 'TASK_STAGING' }, {}]),
      'its instances are running, being made and have not passed their check HTTP /health on 8080 yet',
    ],
    [
      'nothing checks',
      appOf([{}], { healthChecks: [] }),
      'its instances are running and have not run for long enough to be believed in',
    ],
    ['the app is gone', undefined, 'the app is gone from Marathon'],
  ])('%s', (_, app, wanted) => {
    expect(whyOf({ app, isOurs })).toBe(wanted);
  });
});
