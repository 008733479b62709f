/** Addresses below a path of Ekiden's own. */
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { basePathOf, stripBase } from '../../src/http/base-path.ts';

test.each([
  ['https://ops.example.com', ''],
  ['https://ops.example.com/', ''],
  ['https://ops.example.com/ekiden', '/ekiden'],
  ['https://ops.example.com/tools/ekiden/', '/tools/ekiden'],
])('the base of %s is "%s"', (url, base) => {
  expect(basePathOf(url)).toBe(base);
});

test.each([
  ['/ekiden/api?x=1', '/ekiden', '/api?x=1'],
  ['/ekiden', '/ekiden', '/'],
  ['/ekiden?x=1', '/ekiden', '/?x=1'],
  ['/ekidenx/api', '/ekiden', '/ekidenx/api'],
  ['/api', '/ekiden', '/api'],
  ['/api', '', '/api'],
])('%s below "%s" is %s', (url, base, stripped) => {
  const request = { url } as IncomingMessage;
  stripBase(request, base);
  expect(request.url).toBe(stripped);
});
