/** The small pure rules: health, back-off, selectors, listening ports, command words. */
import { describe, expect, it } from 'vitest';
import { explainRefusal, parseListeners } from '../../src/core/listening.ts';
import { parseSelector } from '../../src/engine/api/selectors.ts';
import { normalizeHealthCheck } from '../../src/engine/apps/check-definition.ts';
import { type Health, healthOf, observe } from '../../src/engine/checks/health.ts';
import { words } from '../../src/engine/checks/probe-command.ts';
import { dockerMessage } from '../../src/engine/docker/docker-host.ts';
import { afterFailure, afterStart, current, waitOf } from '../../src/engine/launch/backoff.ts';
import { describeExit } from '../../src/engine/tasks/terminator.ts';

describe('backoff', () => {
  const app = { backoffSeconds: 1, backoffFactor: 2, maxLaunchDelaySeconds: 5 };

  it('grows with each failure up to the maximum', () => {
    const delays: number[] = [];
    let delay = afterFailure(undefined, app, 0);
    for (let failure = 0; failure < 5; failure++) {
      delays.push(delay.seconds);
      delay = afterFailure(delay, app, delay.until);
    }
    expect(delays).toEqual([1, 2, 4, 5, 5]);
  });

  it('begins again at a start without growing, and none begins without a failure', () => {
    expect(afterStart({ seconds: 2, until: 2000 }, app, 2500)).toEqual({ seconds: 2, until: 4500 });
    expect(afterStart(undefined, app, 0)).toBeUndefined();
  });

  it('is forgotten after a quiet time', () => {
    const delay = { seconds: 2, until: 2000 };
    expect(current(delay, app, 7000)).toBe(delay);
    expect(current(delay, app, 7001)).toBeUndefined();
    expect([waitOf(delay, 500), waitOf(delay, 3000), waitOf(undefined, 0)]).toEqual([1500, 0, 0]);
  });
});

describe('health', () => {
  const check = normalizeHealthCheck({
    protocol: 'TCP',
    maxConsecutiveFailures: 2,
    gracePeriodSeconds: 10,
  });
  const onNode = { ...check, protocol: 'COMMAND' as const };
  const bad = { ok: false, cause: 'refused' } as const;
  const look = (more: Partial<Parameters<typeof observe>[0]>) =>
    observe({
      check,
      before: undefined,
      answer: bad,
      now: 60_000,
      runningSince: 0,
      regular: true,
      ...more,
    });
  const failures = (consecutiveFailures: number): Health => ({ alive: false, consecutiveFailures });

  it('shows a failure in the grace period without counting it', () => {
    const { health, counted } = look({ now: 5000 });
    expect(counted).toBe(false);
    expect(health).toMatchObject({ consecutiveFailures: 0, lastFailureCause: 'refused' });
    expect(healthOf(1, [health])).toBeUndefined();
  });

  it('counts a failure in the grace period after a success', () => {
    const before = look({ answer: { ok: true }, now: 1000 }).health;
    expect(look({ before, now: 5000 })).toMatchObject({ counted: true, kill: false });
  });

  it('does not count what is asked between the regular times', () => {
    expect(look({ regular: false })).toMatchObject({ counted: false, kill: false });
  });

  it.each([
    ['one failure after the maximum for Marathon', check, 1, false],
    ['one failure after the maximum for Marathon', check, 2, true],
    ['never with a maximum of 0 for Marathon', { ...check, maxConsecutiveFailures: 0 }, 9, false],
    ['at the maximum on the node', onNode, 0, false],
    ['at the maximum on the node', onNode, 1, true],
    ['at once with a maximum of 0 on the node', { ...onNode, maxConsecutiveFailures: 0 }, 0, true],
  ])('kills %s', (_, rule, before, kill) => {
    expect(look({ check: rule, before: failures(before) }).kill).toBe(kill);
  });

  it('needs all checks to be well, and one to be ill', () => {
    const well = look({ answer: { ok: true } }).health;
    expect(healthOf(0, [])).toBeUndefined();
    expect(healthOf(2, [well])).toBeUndefined();
    expect(healthOf(2, [well, well])).toBe(true);
    expect(healthOf(2, [well, failures(1)])).toBe(false);
  });
});

describe('selectors', () => {
  const labels = { a: '1', b: 'x-y', 'c.d': '' };
  it.each([
    ['a', true],
    ['z', false],
    ['a==1', true],
    ['a == 1 , b', true],
    ['a!=1', false],
    ['z!=1', false],
    ['b in (x, x-y)', true],
    ['b notin (x-y)', false],
    ['z notin (1)', false],
    ['c.d', true],
    ['a==1,b==x\\-y', true],
    ['', true],
    ['b in (x\\,y, x-y)', true],
    ['b in (x\\,x-y)', false],
    ['constructor', false],
    ['b in ()', false],
    ['b notin ( )', true],
  ])('%s is %s', (text, matches) => expect(parseSelector(text)(labels)).toBe(matches));

  it.each(['a,', ',a', '==1', 'a=1', 'a in 1', 'a in (1,)', 'a in (1'])('refuses %j', (text) => {
    expect(() => parseSelector(text)).toThrow(`Can not parse label selector ${text}`);
  });
});

describe('listening ports', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 333 1',
    '   3: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1',
  ].join('\n');

  it('are read from the kernel', () => {
    expect(parseListeners(table)).toEqual([
      { port: 8080, loopback: true, inode: '111' },
      { port: 3000, loopback: false, inode: '222' },
      { port: 80, loopback: true, inode: '444' },
    ]);
  });

  const at = (port: number, loopback = false) => ({ port, loopback, inode: '1' });
  it.each([
    [undefined, 'connection refused'],
    [[], 'listens on no port, checked 8080'],
    [[at(3000)], 'listens on 3000, checked 8080'],
    [[at(9000), at(3000)], 'listens on 3000, 9000, checked 8080'],
    [
      [at(8080, true)],
      'the container listens on port 8080 of its loopback address only; it must listen on 0.0.0.0',
    ],
  ])('%j explain a refusal', (listeners, sentence) => {
    expect(explainRefusal(8080, listeners)).toBe(sentence);
  });
});

it.each([
  ['nc 127.0.0.1 80', ['nc', '127.0.0.1', '80']],
  [`test "a b" 'c d'`, ['test', 'a b', 'c d']],
])('splits the command %s', (command, parts) => expect(words(command)).toEqual(parts));

it.each([
  [{ code: 1, outOfMemory: false, error: '' }, 'Container exited with status 1'],
  [{ code: 137, outOfMemory: true, error: '' }, 'Container exited with status 137: out of memory'],
  [{ code: 255, outOfMemory: false, error: '' }, 'Container exited with status 255'],
  [
    { code: 137, outOfMemory: false, error: '' },
    'Container exited with status 137: ended by SIGKILL',
  ],
])('describes the exit %j', (exit, message) => expect(describeExit(exit)).toBe(message));

it.each([
  [{ json: { message: 'no such network' }, message: 'x' }, 'no such network'],
  [new Error('(HTTP code 409) conflict - name is in use '), 'name is in use'],
  [
    Object.assign(new Error('connect ENOENT /run/docker.sock'), { syscall: 'connect' }),
    'Docker does not answer: connect ENOENT /run/docker.sock',
  ],
])('of what Docker says, %j is told as %s', (error, told) => {
  expect(dockerMessage(error)).toBe(told);
});
