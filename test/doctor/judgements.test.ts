/** What the doctor makes of what it sees: tables of answers and judgements. */
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/doctor/check.ts';
import { judgeSpace } from '../../src/doctor/disk.ts';
import { judgeDocker } from '../../src/doctor/docker.ts';
import { judgeClock, judgeToken, judgeVersion } from '../../src/doctor/gitlab.ts';
import { judgeMode } from '../../src/doctor/nginx.ts';
import { judgeRedis } from '../../src/doctor/redis.ts';

const url = 'https://gitlab.test';
const answer = { status: 200, body: undefined, date: undefined, location: undefined };
const brief = ({ state, found }: Outcome) => `${state}: ${found}`;

describe('GitLab', () => {
  test.each([
    [{ body: { version: '19.1.0-ee' } }, `ok: 19.1.0-ee at ${url}`],
    [{ body: { version: '16.0.0' } }, `ok: 16.0.0 at ${url}`],
    [{ body: { version: '15.11.13' } }, `fail: 15.11.13 at ${url} is too old`],
    [{ body: { version: '20.0.0' } }, `warn: 20.0.0 at ${url}`],
    [{ status: 401 }, `ok: ${url} answers, and does not tell its version`],
    [{ status: 404 }, `fail: ${url} answers 404, and not as GitLab does`],
    [{ body: 'hello' }, `fail: ${url} answers 200, and not as GitLab does`],
    [{ status: 301, location: 'https://git.test' }, `fail: ${url} sends on to https://git.test`],
  ])('%j', (given, wanted) => {
    expect(brief(judgeVersion(url, { ...answer, ...given }))).toBe(wanted);
  });
});

describe('the token', () => {
  const now = Date.parse('2026-06-01T12:00:00Z');
  const token = { name: 'bot', scopes: ['api'], active: true, expires_at: null as string | null };

  test.each([
    [200, token, 'ok: bot, scopes api, never expires'],
    [200, { ...token, expires_at: '2027-01-01' }, 'ok: bot, scopes api, expires on 2027-01-01'],
    [200, { ...token, expires_at: '2026-06-10' }, 'warn: bot, scopes api, expires on 2026-06-10'],
    [200, { ...token, scopes: ['read_api'] }, 'fail: bot has the scopes read_api, and not api'],
    [200, { ...token, active: false }, 'fail: bot is no longer active'],
    [401, { message: '401 Unauthorized' }, 'fail: is not valid: mistyped, revoked or expired'],
    [404, { message: '404 Not Found' }, 'warn: GitLab does not tell of it (HTTP 404)'],
  ])('%i %j', (status, body, wanted) => {
    const outcome = judgeToken(url, { ...answer, status, body }, now);
    expect(brief(outcome)).toBe(wanted);
    expect(outcome.hint === undefined).toBe(outcome.state === 'ok');
  });
});

test.each([
  [0, 'ok: agrees with that of GitLab'],
  [-30, 'ok: agrees with that of GitLab'],
  [31, 'warn: is 31 s ahead of that of GitLab'],
  [-3600, 'warn: is 3600 s behind that of GitLab'],
])('a clock that is %i s off', (seconds, wanted) => {
  const date = Date.parse('2026-06-01T12:00:00Z');
  expect(brief(judgeClock(date, date + seconds * 1000 + 500))).toContain(wanted);
  expect(judgeClock(undefined, date).state).toBe('skip');
});

describe('Redis', () => {
  const good = { redis_version: '7.0.15', aof_enabled: '1', maxmemory_policy: 'noeviction' };

  test.each([
    [{}, ['ok: 7.0.15, AOF on, noeviction']],
    [{ redis_version: '6.0.16' }, ['fail: 6.0.16 is older than 6.2']],
    [{ aof_enabled: '0' }, ['fail: 7.0.15: the AOF is off, so pushes are lost when it restarts']],
    [
      { maxmemory_policy: 'allkeys-lru', maxmemory: '1000' },
      [expect.stringContaining('fail: 7.0.15: maxmemory-policy is allkeys-lru')],
    ],
    [
      { maxmemory_policy: 'allkeys-lru', maxmemory: '0', aof_enabled: '0' },
      [expect.stringContaining('fail:'), expect.stringContaining('warn:')],
    ],
  ])('%j', (given, wanted) => {
    const info = new Map<string, string>(Object.entries({ ...good, ...given }));
    expect(judgeRedis(info, false).map(brief)).toEqual(wanted);
  });
});

describe('Docker', () => {
  const info = {
    ...{ Driver: 'overlay2', CgroupVersion: '2' },
    ...{ LiveRestoreEnabled: true, DockerRootDir: '/var/lib/docker' },
  };
  const version = { Version: '24.0.7', ApiVersion: '1.43' };

  test('is told with its driver', () => {
    expect(judgeDocker(version, info).map(brief)).toEqual([
      'ok: 24.0.7, API 1.43, overlay2, cgroup v2',
    ]);
  });

  test('without live-restore is warned of', () => {
    const [, warning] = judgeDocker(version, { ...info, LiveRestoreEnabled: false });
    expect(warning).toMatchObject({ state: 'warn', hint: expect.stringContaining('live-restore') });
  });

  test('that is old is refused', () => {
    const old = { Version: '19.03.15', ApiVersion: '1.40' };
    expect(judgeDocker(old, info).map(brief)).toEqual([
      'fail: 19.03.15 speaks API 1.40, and Ekiden needs 1.41',
    ]);
  });
});

test.each([
  ['auto', true, 'ok: 1.22.1, dynamic mode'],
  ['auto', false, 'warn: 1.22.1 has no Lua: file mode, which reloads nginx at each change'],
  ['dynamic', true, 'ok: 1.22.1, dynamic mode'],
  ['dynamic', false, 'fail: 1.22.1 has no Lua, which dynamic mode needs'],
  ['file', true, 'ok: 1.22.1, file mode'],
] as const)('nginx in mode %s, Lua %s', (mode, lua, wanted) => {
  expect(brief(judgeMode('1.22.1', mode, lua))).toBe(wanted);
});

test.each([
  [50, 100, 'ok: /x: 50.0 GiB free (50 %)'],
  [9, 100, 'warn: /x: 9.0 GiB free (9 %)'],
  [4.9, 10, 'warn: /x: 4.9 GiB free (49 %)'],
  [0.9, 2, 'fail: /x: 0.9 GiB free (45 %)'],
])('%d of %d GiB', (free, all, wanted) => {
  const space = { free: free * 1024 ** 3, all: all * 1024 ** 3 };
  expect(brief(judgeSpace('/x', space, 'Make room.'))).toBe(wanted);
});
