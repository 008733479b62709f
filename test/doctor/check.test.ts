/** Running checks: all at once, each within its time, and none hides another. */
import { describe, expect, test } from 'vitest';
import { SetupError } from '../../src/core/errors.ts';
import { type Check, fine, isAtLeast, runChecks } from '../../src/doctor/check.ts';

const check = (name: string, run: Check['run']): Check => ({ name, run });

test('findings come in the order of the checks, whatever becomes of each', async () => {
  let aborted = false;
  const findings = await runChecks(
    [
      check('hangs', async (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => undefined);
      }),
      check('breaks', async () => {
        throw new Error('it fell apart');
      }),
      check('knows', async () => {
        throw new SetupError('no Lua', { code: 'E_X', hint: 'apt-get install lua' });
      }),
      check('two', async () => [fine('a'), fine('b')]),
      check('one', async () => fine('c')),
    ],
    100,
  );
  expect(findings).toEqual([
    {
      ...{ name: 'hangs', state: 'fail', found: 'no answer within 0.1 s' },
      hint: 'It hangs: look at its log, or start it again.',
    },
    { name: 'breaks', state: 'fail', found: 'it fell apart' },
    { name: 'knows', state: 'fail', found: 'no Lua', hint: 'apt-get install lua' },
    { name: 'two', state: 'ok', found: 'a' },
    { name: 'two', state: 'ok', found: 'b' },
    { name: 'one', state: 'ok', found: 'c' },
  ]);
  expect(aborted).toBe(true);
});

test('all run at the same time', async () => {
  let running = 0;
  let all = () => {};
  const together = new Promise<void>((resolve) => {
    all = resolve;
  });
  const waiting = async () => {
    running += 1;
    if (running === 5) all();
    await together;
    return fine('met');
  };
  const findings = await runChecks(Array.from({ length: 5 }, () => check('x', waiting)));
  expect(findings.map(({ found }) => found)).toEqual(Array(5).fill('met'));
});

describe('versions', () => {
  test.each([
    ['7.0.15', '6.2', true],
    ['6.2', '6.2', true],
    ['6.0.16', '6.2', false],
    ['19.1.0-ee', '16.0', true],
    ['16.0', '16.0.1', false],
    ['1.9', '1.41', false],
  ])('%s is %s or newer: %s', (version, least, wanted) => {
    expect(isAtLeast(version, least)).toBe(wanted);
  });
});
