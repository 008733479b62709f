/** Logins in files and in the header of HTTP's basic authentication. */
import { expect, it } from 'vitest';
import { basicAuthorization, loginIn } from '../../src/core/basic-login.ts';

it.each([
  ['ada:pass:word\nmore', { user: 'ada', password: 'pass:word' }],
  [' ada:x \r\n', { user: 'ada', password: 'x' }],
  ['ada', undefined],
  ['ada:', undefined],
  [':x', undefined],
  ['\nada:x', undefined],
  ['', undefined],
])('%j is read', (text, wanted) => {
  expect(loginIn(text)).toEqual(wanted);
});

// The example of RFC 7617, section 2.
it('is told as the standard has it', () => {
  const login = { user: 'Aladdin', password: 'open sesame' };
  expect(basicAuthorization(login)).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
});
