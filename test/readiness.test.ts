/** What /readyz is told of the parts. */
import { expect, test } from 'vitest';
import { createReadiness } from '../src/readiness.ts';

const never = () => new Promise<undefined>(() => undefined);
const fails = async () => Promise.reject(new Error('refused'));

test('each part is told on its own, also one that never answers', async () => {
  const readiness = createReadiness(
    { redis: async () => undefined, gitlab: async () => 'version 18.3.0', a: fails, b: never },
    ['redis'],
  );
  expect(await readiness()).toEqual({
    ready: true,
    parts: {
      redis: { state: 'up' },
      gitlab: { state: 'up', detail: 'version 18.3.0' },
      a: { state: 'down', detail: 'refused' },
      b: { state: 'down', detail: 'no answer within 1 s' },
    },
  });
});

test('without a part that is needed nobody is to be sent here, until it is back', async () => {
  let isUp = false;
  let asked = 0;
  const redis = async () => {
    asked += 1;
    return isUp ? undefined : fails();
  };
  const readiness = createReadiness({ redis }, ['redis']);
  expect((await readiness()).ready).toBe(false);
  isUp = true;
  const answers = await Promise.all([readiness(), readiness(), readiness()]);
  expect(answers.map(({ ready }) => ready)).toEqual([true, true, true]);
  await readiness();
  expect(asked).toBe(2);
});
