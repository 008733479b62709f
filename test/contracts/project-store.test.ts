/** Which projects are known, and which ids their apps have. */
import { describe, expect, test } from 'vitest';
import { createAppIds, createProjectStore } from '../../src/stores/projects.ts';
import { createScaleStore } from '../../src/stores/scales.ts';
import { createFakeAppIds } from '../fakes/records.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();

/** The list goes by milliseconds. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  await expect.poll(() => Date.now()).toBeGreaterThan(now);
}

describe('projects', () => {
  test('are listed by their last activity, page by page, with the path of now', async () => {
    const projects = createProjectStore(openRedis(redis));
    expect(await projects.list({ limit: 10 })).toEqual({ items: [] });
    await projects.note({ id: 1, path: 'shop/cart' });
    await nextMillisecond();
    await projects.note({ id: 2, path: 'shop/front' });
    await nextMillisecond();
    await projects.note({ id: 1, path: 'shop/basket' });
    const [cart, front] = [
      { id: 1, path: 'shop/basket' },
      { id: 2, path: 'shop/front' },
    ];
    expect(await projects.list({ limit: 10 })).toEqual({ items: [cart, front] });
    expect(await projects.list({ limit: 1 })).toEqual({ items: [cart], next: '1' });
    expect(await projects.list({ limit: 1, cursor: '1' })).toEqual({ items: [front] });
    expect(await projects.find(1)).toEqual(cart);
    expect(await projects.find(3)).toBeUndefined();
  });
});

describe.each([
  ['redis', () => createAppIds(openRedis(redis))],
  ['fake', createFakeAppIds],
])('ids of apps, %s', (_, open) => {
  const web = { project: 7, environment: 'production', service: 'web' };
  const cart = '/shop/cart/production/web';

  test('stay when the project is renamed', async () => {
    const ids = open();
    expect(await ids.claim({ ...web, wanted: cart })).toBe(cart);
    expect(await ids.claim({ ...web, wanted: '/shop/basket/production/web' })).toBe(cart);
  });

  test('are never those of another project that has the path now', async () => {
    const ids = open();
    await ids.claim({ ...web, wanted: cart });
    expect(await ids.claim({ ...web, project: 9, wanted: cart })).toBe(`${cart}-9`);
    expect(await ids.claim({ ...web, project: 9, wanted: cart })).toBe(`${cart}-9`);
    const clash = { ...web, project: 9, service: 'web-9', wanted: `${cart}-9` };
    expect(await ids.claim(clash)).toBe(`${cart}-9-9`);
  });

  test('are listed by service, those of one environment', async () => {
    const ids = open();
    const review = { ...web, environment: 'review/a.b_c' };
    await ids.claim({ ...web, wanted: cart });
    await ids.claim({ ...web, service: 'rpc', wanted: '/shop/cart/production/rpc' });
    await ids.claim({ ...review, wanted: '/review' });
    await ids.claim({ ...web, project: 77, wanted: '/other' });
    expect(await ids.list(web)).toEqual(
      new Map([
        ['web', cart],
        ['rpc', '/shop/cart/production/rpc'],
      ]),
    );
    expect(await ids.list(review)).toEqual(new Map([['web', '/review']]));
    expect(await ids.list({ ...web, environment: 'prod' })).toEqual(new Map());
  });

  test('are free again once the app is gone', async () => {
    const ids = open();
    await ids.claim({ ...web, wanted: cart });
    await ids.release(cart);
    await ids.release('/never/claimed');
    expect(await ids.claim({ ...web, wanted: '/shop/basket/production/web' })).toBe(
      '/shop/basket/production/web',
    );
    expect(await ids.claim({ ...web, project: 9, wanted: cart })).toBe(cart);
  });
});

test('a scale is kept until it is forgotten', async () => {
  const scales = createScaleStore(openRedis(redis));
  const scale = { instances: 3, by: 'ada', at: 1, manifest: 1 };
  expect(await scales.find('/web')).toBeUndefined();
  await scales.save('/web', scale);
  expect(await scales.find('/web')).toEqual(scale);
  expect(await scales.find('/rpc')).toBeUndefined();
  await scales.forget('/web');
  expect(await scales.find('/web')).toBeUndefined();
});
