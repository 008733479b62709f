/** Names of apps and addresses: exact values, and what must hold for any path. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../src/core/upstream.ts';
import { appIdOf, environmentSlug, hostsOf, urlOfAddress } from '../../src/deploy/names.ts';

/** Marathon's rule for one segment of an app's id. */
const segment = /^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])$/;
const hostLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const name = (projectPath: string, environment = 'production', service = 'web') => ({
  projectPath,
  environment,
  service,
});

describe('appIdOf', () => {
  it.each([
    ['a plain path', name('shop/cart'), '/shop/cart/production/web'],
    ['subgroups', name('a/b/c/d', 'staging', 'rpc'), '/a/b/c/d/staging/rpc'],
    ['upper case', name('Shop/Cart'), '/shop-d00aae/cart-6d2d59/production/web'],
    ['dots', name('shop/cart.js'), '/shop/cart-js-c6bb20/production/web'],
    ['underscores', name('my_shop/_cart'), '/my-shop-6c8c0c/cart-972cfc/production/web'],
    ['a review app', name('shop/cart', 'review/x'), '/shop/cart/review-x-n5c54v/web'],
    ['nothing usable', name('shop/___'), '/shop/x-bda251/production/web'],
  ])('of %s', (_, given, wanted) => {
    expect(appIdOf(given)).toBe(wanted);
  });

  it.each(['restart', 'tasks', 'versions', '.', '..'])(
    'keeps off the reserved ending %s',
    (end) => {
      const id = appIdOf(name('shop/cart', 'production', end));
      expect(id).toMatch(/^\/shop\/cart\/production\/(restart|tasks|versions|x)-[0-9a-f]{6}$/);
    },
  );

  it('keeps paths apart that differ only in what Marathon does not take', () => {
    const paths = ['shop/a.b', 'shop/a_b', 'shop/a-b', 'shop/A-b', 'shop/a--b', 'shop/a-b-'];
    expect(new Set(paths.map((path) => appIdOf(name(path)))).size).toBe(paths.length);
  });

  it('fits Marathon whatever the names are', () => {
    const unit = fc.constantFrom(...'aZ09-_. ÄİßԱ漢🚀\n');
    const part = fc.string({ minLength: 1, maxLength: 300, unit });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), part, part, (path, environment, service) => {
        const id = appIdOf(name(path.join('/'), environment, service));
        expect(id.startsWith('/')).toBe(true);
        for (const each of id.slice(1).split('/')) expect(each).toMatch(segment);
        expect(['restart', 'tasks', 'versions']).not.toContain(id.split('/').at(-1));
      }),
    );
  });
});

describe('environmentSlug', () => {
  // The names are the cases of GitLab's own tests; a suffix is the end of the name's SHA-256 in base 36.
  it.each([
    ['production', 'production'],
    ['staging-1234567890123456', 'staging-1234567890123456'],
    ['staging-12345678901234567', 'staging-123456789-s729ne'],
    ['9-staging-123456789012345', 'env-9-staging-123-f6hm7j'],
    ['staging-1234567890123456-', 'staging-123456789-y52hkh'],
    ['PRODUCTION', 'production-vl4voz'],
    ['review/x', 'review-x-n5c54v'],
    ['review/1-foo', 'review-1-foo-9tdj0u'],
    ['1-foo', 'env-1-foo-1k46wz'],
    ['1/foo', 'env-1-foo-t4rmb4'],
    ['foo-', 'foo-'],
    ['foo--bar', 'foo-bar-q006cp'],
    ['foo**bar', 'foo-bar-3jfdn1'],
    ['*-foo', 'env-foo-i1o6om'],
    ['staging-12345678-', 'staging-12345678-'],
    ['staging-12345678-01234567', 'staging-12345678-f21q2q'],
  ])('of %s', (given, wanted) => {
    expect(environmentSlug(given)).toBe(wanted);
  });
});

describe('hostsOf', () => {
  const one = { domain: 'apps.test', serviceCount: 1 };
  const several = { domain: 'apps.test', serviceCount: 2 };

  it.each([
    ['production', name('shop/cart'), one, ['shop-cart.apps.test']],
    ['elsewhere', name('shop/cart', 'staging'), one, ['staging--shop-cart.apps.test']],
    ['a review', name('shop/cart', 'review/x'), one, ['review-x-n5c54v--shop-cart.apps.test']],
    ['the only service', name('shop/cart', 'production', 'rpc'), one, ['shop-cart.apps.test']],
    [
      'web of several',
      name('shop/cart'),
      several,
      ['shop-cart.apps.test', 'web.shop-cart.apps.test'],
    ],
    [
      'another of several',
      name('shop/cart', 'staging', 'rpc'),
      several,
      ['rpc.staging--shop-cart.apps.test'],
    ],
    ['odd letters', name('My.Shop/the_cart-'), one, ['my-shop-the-cart.apps.test']],
    ['nothing usable', name('___'), one, ['x-bda251.apps.test']],
    ['what reads as Punycode', name('shop', 'xn'), one, ['xn-b7e427-shop.apps.test']],
    [
      'a service that does',
      name('shop', 'production', 'xn--a'),
      several,
      ['xn-0c8452-a.shop.apps.test'],
    ],
  ])('%s', (_, given, options, wanted) => {
    expect(hostsOf(given, options)).toEqual(wanted);
  });

  it('keeps long paths apart, in production as elsewhere', () => {
    const long = 'very-long-group/'.repeat(6);
    for (const environment of ['production', 'staging']) {
      const [a = '', b] = ['a', 'b'].flatMap((end) =>
        hostsOf(name(`${long}${end}`, environment), one),
      );
      expect(a).not.toBe(b);
      expect(a.split('.')[0]).toMatch(hostLabel);
    }
  });

  it('gives labels that host names may have, whatever the names are', () => {
    const unit = fc.constantFrom(...'aZ09-_./ ÄİßԱ漢🚀\n');
    const part = fc.string({ minLength: 1, maxLength: 300, unit });
    const service = fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), part, service, (path, environment, web) => {
        for (const host of hostsOf(name(path.join('/'), environment, web), several)) {
          for (const label of host.split('.')) expect(label).toMatch(hostLabel);
          expect(parseRoute(host)).toEqual({ host, path: '/' });
        }
      }),
    );
  });
});

describe('urlOfAddress', () => {
  it.each([
    ['shop.apps.test', 8088, 'http://shop.apps.test:8088/'],
    ['shop.apps.test/api/v1', 8088, 'http://shop.apps.test:8088/api/v1'],
    ['shop.apps.test/api', 80, 'http://shop.apps.test/api'],
    ['app.1', 8088, 'http://app.1:8088/'],
    ['', 80, 'http:///'],
  ])('of %s behind %i', (address, port, wanted) => {
    expect(urlOfAddress(address, port)).toBe(wanted);
  });

  it('is a URL of the same host and path for every route', () => {
    const word = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...'ax0n-._~/A') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), (words) => {
        const address = words.join('.');
        const route = parseRoute(address);
        if (!route) return;
        const { hostname, pathname } = new URL(urlOfAddress(address, 8088));
        expect({ host: hostname, path: pathname.replace(/(.)\/$/, '$1') }).toEqual(route);
      }),
      { numRuns: 2_000 },
    );
  });
});
