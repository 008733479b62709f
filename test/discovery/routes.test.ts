/** What a label or a manifest may name as an address. */
import { describe, expect, test } from 'vitest';
import { parseRoutes } from '../../src/discovery/routes.ts';

describe('a routes label', () => {
  test.each([
    ['a.test', ['a.test/']],
    ['Shop.Example.COM', ['shop.example.com/']],
    [' a.test , b.test/api ', ['a.test/', 'b.test/api']],
    ['a.test,a.test/', ['a.test/']],
    ['a.test/Api/v1.2/', ['a.test/Api/v1.2']],
    ['localhost', ['localhost/']],
    ['192.0.2.1/a,1.a.test', ['192.0.2.1/a', '1.a.test/']],
    ['a.test/.well-known/x', ['a.test/.well-known/x']],
    ['', []],
  ])('%j names %j', (label, keys) => {
    const { routes, refused } = parseRoutes(label);
    expect(routes.map(({ host, path }) => host + path)).toEqual(keys);
    expect(refused).toEqual([]);
  });

  test.each([
    'a.test; return 200',
    'a.test{',
    'a.test"',
    "a.test'",
    'a.test\nb.test',
    'a test',
    'a.test:80',
    '$host',
    '*.a.test',
    '-a.test',
    'a..test',
    '.a.test',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(127)}test`,
    'a.test/$uri',
    'a.test/(x)',
    'a.test/a b',
    'a.test/"',
    'a.test/;',
    'a.test/..',
    'a.test/../b',
    'a.test//b',
    'a.test/b//',
    'a.test/./b',
    'a..b//c',
    'app.1',
    'app.0x1',
    '192.0.2.256',
    '1.2',
    'xn--a.test',
    'a.test/%2e',
    `a.test/${'x'.repeat(2_000)}`,
    '/api',
  ])('%j is refused', (label) => {
    const { routes, refused } = parseRoutes(`${label},good.test`);
    expect(routes).toEqual([{ host: 'good.test', path: '/' }]);
    expect(refused).toHaveLength(1);
  });
});
