/** What can go wrong on purpose: errors for a while, limits, silence. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applicationLimit, rackAttack } from './faults.ts';
import { type Rig, startRig } from './rig.ts';

const START = Date.parse('2026-06-01T12:00:00Z');
let rig: Rig;
let now: number;

beforeEach(async () => {
  now = START;
  rig = await startRig({ now: () => now });
});
afterEach(async () => {
  await rig.stop();
});

it('fails everything for a while', async () => {
  rig.gitlab.faults.add({ route: /./, status: 500, forMs: 10_000 });
  const codes: number[] = [];
  for (const at of [0, 5_000, 9_999, 10_000]) {
    now = START + at;
    codes.push((await rig.api('/version')).status);
  }
  expect(codes).toEqual([500, 500, 500, 200]);
});

it('never answers until the faults are cleared', async () => {
  rig.gitlab.faults.add({ route: /version/, never: true, forMs: Number.POSITIVE_INFINITY });
  const asked = rig.api('/version');
  expect((await rig.api('/user')).status).toBe(200);
  const url = `${rig.gitlab.url}/api/v4/version`;
  await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
  rig.gitlab.faults.clear();
  await expect(asked).rejects.toThrow(/fetch failed/);
  expect((await rig.api('/version')).status).toBe(200);
});

describe('too many requests', () => {
  it('are refused in plain text with the time to wait by Rack::Attack', async () => {
    rig.gitlab.faults.add({ route: /./, ...rackAttack({ retryAfterSeconds: 7 }) });
    const answer = await rig.api('/version');
    expect(answer).toMatchObject({ status: 429, json: 'Retry later\n' });
    expect(answer.headers.get('content-type')).toBe('text/plain');
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.headers.get('ratelimit-remaining')).toBe('0');
  });

  it('are refused in JSON without the time by a limit of the application', async () => {
    rig.gitlab.faults.add({ route: /./, ...applicationLimit() });
    const answer = await rig.api('/version');
    expect(answer).toMatchObject({
      status: 429,
      json: { message: { error: expect.stringContaining('too many times') } },
    });
    expect(answer.headers.get('retry-after')).toBeNull();
  });

  it('are counted for each token, and every answer tells how many are left', async () => {
    rig.gitlab.faults.limitRate({ requests: 2 });
    const { token } = rig.gitlab.createUser({ username: 'ada' });
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await rig.api('/version'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    const left = answers.map(({ headers }) => headers.get('ratelimit-remaining'));
    expect(left).toEqual(['1', '0', '0']);
    expect(answers[2]?.headers.get('retry-after')).toBe('60');
    expect((await rig.api('/version', { token })).status).toBe(200);
    now += 60_000;
    expect((await rig.api('/version')).status).toBe(200);
  });
});
