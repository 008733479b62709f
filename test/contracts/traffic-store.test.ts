/** How a service's requests are shared, as balancers and deployments keep it. */
import { expect, onTestFinished, test } from 'vitest';
import { createTrafficStore } from '../../src/stores/traffic.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const app = '/shop/production/web';

function watched(store: ReturnType<typeof createTrafficStore>) {
  const aborter = new AbortController();
  const seen = { changes: 0 };
  const done = store.watch(() => {
    seen.changes += 1;
  }, aborter.signal);
  const end = async () => {
    aborter.abort();
    await done;
  };
  onTestFinished(end);
  return { seen, end };
}

test('what is kept replaces what was, and nothing is kept of an empty one', async () => {
  const traffic = createTrafficStore(openRedis(redis));
  expect(await traffic.find(app)).toEqual({});
  await traffic.save(app, { [app]: 1, [`${app}.alt`]: 0 });
  await traffic.save(app, { i1: 0 });
  await traffic.save('/other', { '/other': 2 });
  expect(await traffic.find(app)).toEqual({ i1: 0 });
  expect(await traffic.all()).toEqual(
    new Map([
      [app, { i1: 0 }],
      ['/other', { '/other': 2 }],
    ]),
  );
  await traffic.save(app, {});
  expect([...(await traffic.all()).keys()]).toEqual(['/other']);
});

test('every change is told, also to other processes, until nobody listens', async () => {
  const opened = openRedis(redis);
  const { seen, end } = watched(createTrafficStore(opened));
  await expect.poll(() => seen.changes).toBe(1);
  const change = async () => {
    await createTrafficStore(opened).save(app, { [app]: 1 });
    return seen.changes;
  };
  await expect.poll(change).toBeGreaterThan(1);
  await end();
  const { changes } = seen;
  await createTrafficStore(opened).save(app, {});
  expect(seen.changes).toBe(changes);
});

test('a lost connection is a hint, since changes may have been missed', async () => {
  const { seen } = watched(createTrafficStore(openRedis(redis)));
  await expect.poll(() => seen.changes).toBe(1);
  await redis.stop();
  await redis.start();
  await expect.poll(() => seen.changes).toBeGreaterThan(1);
});

test('what is drained gets nothing for so long, and is no part of what is kept', async () => {
  const traffic = createTrafficStore(openRedis(redis));
  await traffic.save(app, { i1: 3, i2: 3 });
  await traffic.drain(app, ['i2', 'i3'], 60_000);
  expect((await traffic.all()).get(app)).toEqual({ i1: 3, i2: 0, i3: 0 });
  expect(await traffic.find(app)).toEqual({ i1: 3, i2: 3 });
  await traffic.drain(app, ['i2'], 0);
  expect((await traffic.all()).get(app)).toEqual({ i1: 3, i2: 3, i3: 0 });
});
