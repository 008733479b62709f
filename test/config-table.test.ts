/** The table of settings: which part of an address is shown. */
import { expect, test } from 'vitest';
import { readSettings } from '../src/config.ts';
import { settingsTable } from '../src/config-table.ts';

test.each([
  ['REDIS_URL', 'redis://me:no@host:6379/0', 'redis://me:[REDACTED]@host:6379/0'],
  ['REDIS_URL', 'redis://:n/o@host', 'redis://:[REDACTED]@host'],
  ['REDIS_URL', 'redis://:n@o@host', 'redis://:[REDACTED]@host'],
  ['REDIS_URL', 'redis://:n,x=o ://n@host', 'redis://:[REDACTED]@host'],
  ['REDIS_URL', 'http://me:no@host', 'http://me:[REDACTED]@host'],
  ['REDIS_URL', 'unix:///run/redis@1/redis.sock', 'unix:///run/redis@1/redis.sock'],
  ['GITLAB_URL', 'http://no@host', 'http://[REDACTED]@host'],
  ['GITLAB_URL', 'http://host:80/path', 'http://host:80/path'],
  ['MARATHON_URL', 'http://a:no@m1, http://no@m2', 'http://a:[REDACTED]@m1, http://[REDACTED]@m2'],
  ['MARATHON_URL', 'http://m1,http://a:n/o@m2/x', 'http://[REDACTED]@m2/x'],
  ['EKIDEN_BUILD_ARGS', 'A=http://no@r/x,B=r/y@sha', 'A=http://[REDACTED]@r/x,B=r/y@sha'],
])('%s=%s', (env, text, shown) => {
  const row = settingsTable(readSettings([], { [env]: text })).find((each) => each.env === env);
  expect(row?.value).toBe(shown);
});
