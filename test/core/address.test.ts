/** Addresses that servers listen on: what is read, what clients use, and what is said when one is refused. */
import { describe, expect, test } from 'vitest';
import {
  addressOf,
  formatAddress,
  listenError,
  localUrlOf,
  parseAddress,
} from '../../src/core/address.ts';

describe('read', () => {
  test.each([
    ['127.0.0.1:7300', '127.0.0.1', 7300, '127.0.0.1:7300'],
    ['localhost:0', 'localhost', 0, 'localhost:0'],
    ['my_host-1.test:80', 'my_host-1.test', 80, 'my_host-1.test:80'],
    [':80', '0.0.0.0', 80, '0.0.0.0:80'],
    ['*:80', '0.0.0.0', 80, '0.0.0.0:80'],
    ['[::1]:80', '::1', 80, '[::1]:80'],
    ['[::]:65535', '::', 65_535, '[::]:65535'],
  ])('%s', (text, host, port, formatted) => {
    expect(addressOf(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(formatted);
  });
});

test.each(['80', 'localhost', '', ':', '::1:80', 'a b:80', 'host:65536', 'host:80/', '[x]:80'])(
  'refused: %j',
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
    expect(() => addressOf(text)).toThrow(`${text} is not host:port.`);
  },
);

test.each([
  ['0.0.0.0:7300', 'http://127.0.0.1:7300'],
  [':80', 'http://127.0.0.1:80'],
  ['[::]:80', 'http://[::1]:80'],
  ['10.0.0.1:80', 'http://10.0.0.1:80'],
])('%s is reached at %s', (listen, url) => {
  expect(localUrlOf(listen)).toBe(url);
});

test.each([
  ['EADDRINUSE', ':80 is taken.', 'Set EKIDEN_LISTEN to a free host:port.'],
  ['EADDRNOTAVAIL', ':80 is no address of this machine.', 'Set EKIDEN_LISTEN'],
  ['EACCES', ':80 may not be used by this user.', "setcap 'cap_net_bind_service=+ep'"],
  ['EODD', ':80 cannot be used: listen failed.', 'Set EKIDEN_LISTEN'],
])('%s', (code, message, hint) => {
  const error = Object.assign(new Error('listen failed'), { code });
  const failure = { address: ':80', setting: 'EKIDEN_LISTEN', program: 'node', error };
  expect(listenError(failure)).toMatchObject({
    code: 'E_LISTEN',
    message,
    hint: expect.stringContaining(hint),
  });
});
