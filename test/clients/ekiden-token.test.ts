/** The token with which the command line asks Ekiden's API. */
import { afterEach, expect, test, vi } from 'vitest';
import { connectEkiden } from '../../src/remote.ts';

afterEach(() => vi.unstubAllEnvs());

const connectAs = (token: string) => {
  vi.stubEnv('EKIDEN_URL', 'http://127.0.0.1:1');
  vi.stubEnv('EKIDEN_TOKEN', token);
  return connectEkiden();
};

test.each(['glpat-one\nglpat-two', 'glpat-one\u0007', 'glpat-one…', 'glpat one', ' '])(
  'a token that is none is refused, and not repeated: %j',
  (token) => {
    expect(() => connectAs(token)).toThrow(
      /^EKIDEN_TOKEN, or GITLAB_TOKEN in its place, holds a character that no token has\.$/,
    );
  },
);

test('a line break at its end does no harm', () => {
  expect(() => connectAs('glpat-one\r\n')).not.toThrow();
});
