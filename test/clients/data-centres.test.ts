/** What is asked of a data centre that does not answer, and when it counts as back. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createFakeMarathon } from '../fakes/marathon.ts';

it('one that is only slow is back with its answer, for which nobody waits', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const dataCentres = createDataCentres({
    all: [{ name: 'oslo', marathon: createFakeMarathon() }],
  });
  const broken = dataCentres.ask('oslo', () => Promise.reject(new Error('no connection')));
  await expect(broken).rejects.toThrow('no connection');
  const answers: ((value: string) => void)[] = [];
  const ask = () =>
    dataCentres.ask('oslo', () => new Promise<string>((resolve) => void answers.push(resolve)));
  const first = expect(ask()).rejects.toThrow('Marathon of oslo did not answer within 2 s.');
  await vi.advanceTimersByTimeAsync(2_000);
  await first;
  expect(dataCentres.awaySince('oslo')).toEqual(expect.any(Number));
  answers[0]?.('late');
  await vi.advanceTimersByTimeAsync(0);
  expect(dataCentres.awaySince('oslo')).toBeUndefined();
  const second = ask();
  await vi.advanceTimersByTimeAsync(5_000);
  answers[1]?.('in time');
  expect(await second).toBe('in time');
});
