/** The state machine of commit statuses, as a table and over the REST API. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';
import { type JobState, type PostedState, rollUp, transition } from './statuses.ts';

describe('transition', () => {
  const good: [JobState, PostedState, JobState][] = [
    ['created', 'pending', 'pending'],
    ['created', 'running', 'running'],
    ['created', 'success', 'success'],
    ['created', 'failed', 'failed'],
    ['created', 'canceled', 'canceled'],
    ['created', 'skipped', 'skipped'],
    ['pending', 'running', 'running'],
    ['pending', 'skipped', 'skipped'],
    ['pending', 'success', 'success'],
    ['running', 'success', 'success'],
    ['running', 'failed', 'failed'],
    ['running', 'canceled', 'canceled'],
  ];
  it.each(good)('from %s, a post of %s leads to %s', (from, posted, state) => {
    expect(transition(from, posted)).toEqual({ state });
  });

  it.each([
    ['pending', 'pending', 'enqueue'],
    ['running', 'pending', 'enqueue'],
    ['running', 'running', 'run'],
    ['running', 'skipped', 'skip'],
  ] as [JobState, PostedState, string][])(
    'from %s, a post of %s is refused',
    (from, posted, event) => {
      expect(transition(from, posted)).toEqual({
        refused: `Cannot transition status via :${event} from :${from} (Reason(s): Status cannot transition via "${event}")`,
      });
    },
  );
});

it.each([
  [['success', 'success'], 'success'],
  [['success', 'skipped'], 'success'],
  [['skipped'], 'skipped'],
  [['success', 'running'], 'running'],
  [['success', 'pending'], 'running'],
  [['pending', 'pending'], 'pending'],
  [['success', 'failed'], 'failed'],
  [['success', 'canceled'], 'canceled'],
  [['failed', 'running'], 'running'],
] as [JobState[], JobState][])('a pipeline of %j is %s', (jobs, state) => {
  expect(rollUp(jobs)).toBe(state);
});

describe('POST statuses', () => {
  let rig: Rig;
  let projectId: number;
  let sha: string;

  async function start(options: Parameters<typeof startRig>[0] = {}): Promise<void> {
    rig = await startRig(options);
    ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/web' }));
    sha = await rig.gitlab.commit(projectId, { branch: 'main', files: { a: '1' }, message: 'one' });
  }
  beforeEach(async () => {
    await start();
  });
  afterEach(async () => {
    await rig.stop();
  });

  async function post(body: Record<string, unknown>, token?: string) {
    const request = { method: 'POST', body: { name: 'ekiden/build', ...body } };
    const path = `/projects/${projectId}/statuses/${sha}`;
    return await rig.api(path, token === undefined ? request : { ...request, token });
  }

  it('leads one row through its states in one external pipeline', async () => {
    const pending = await post({ state: 'pending', ref: 'main', description: 'waits' });
    expect(pending).toMatchObject({
      status: 201,
      json: { status: 'pending', ref: 'main', name: 'ekiden/build', author: { username: 'root' } },
    });
    const running = await post({ state: 'running', target_url: 'http://e.example/builds/1' });
    expect(running.json).toMatchObject({ id: pending.json.id, description: 'waits' });
    const done = await post({ state: 'success', pipeline_id: pending.json.pipeline_id });
    expect(done.json).toMatchObject({ id: pending.json.id, status: 'success' });
    const commit = await rig.api(`/projects/${projectId}/repository/commits/${sha}`);
    expect(commit.json).toMatchObject({
      status: 'success',
      last_pipeline: { id: pending.json.pipeline_id, source: 'external', status: 'success' },
    });
    const { history } = rig.gitlab.statuses(projectId, sha);
    expect(history.map(({ status }) => status)).toEqual(['pending', 'running', 'success']);
  });

  it('refuses the same state again and keeps what was there', async () => {
    await post({ state: 'running', description: 'building' });
    expect(await post({ state: 'running', description: 'again' })).toMatchObject({
      status: 400,
      json: {
        message:
          'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")',
      },
    });
    expect(rig.gitlab.statuses(projectId, sha).rows).toMatchObject([{ description: 'building' }]);
  });

  it('accepts the same state again where the release does', async () => {
    await rig.stop();
    await start({ idempotentStatuses: true });
    const first = await post({ state: 'running' });
    const again = await post({ state: 'running', description: 'still' });
    expect(again).toMatchObject({ status: 201, json: { id: first.json.id, description: 'still' } });
  });

  it('makes a new row after the end, and lists it alone unless all are asked for', async () => {
    await post({ state: 'failed' });
    await post({ state: 'running' });
    const path = `/projects/${projectId}/repository/commits/${sha}/statuses`;
    expect((await rig.api(path)).json).toMatchObject([{ status: 'running' }]);
    const all = (await rig.api(`${path}?all=true`)).json;
    expect(all).toMatchObject([{ status: 'failed' }, { status: 'running' }]);
    expect(new Set(all.map((row: { pipeline_id: number }) => row.pipeline_id)).size).toBe(1);
  });

  it('keeps the rows of two users apart', async () => {
    const { token } = rig.gitlab.createUser({ username: 'dev', projectId, accessLevel: 40 });
    await post({ state: 'running' });
    await post({ state: 'success' }, token);
    const { rows } = rig.gitlab.statuses(projectId, sha);
    expect(rows).toMatchObject([
      { status: 'running', retried: true },
      { status: 'success', retried: false },
    ]);
  });

  it('needs the role of a developer', async () => {
    const { token } = rig.gitlab.createUser({ username: 'rep', projectId, accessLevel: 20 });
    expect(await post({ state: 'running' }, token)).toMatchObject({
      status: 403,
      json: { message: '403 Forbidden' },
    });
  });

  const long = 'x'.repeat(256);
  it.each([
    [{}, 400, { error: 'state is missing' }],
    [{ state: 'great' }, 400, { error: 'state does not have a valid value' }],
    [
      { state: 'running', description: long },
      400,
      { message: { description: ['is too long (maximum is 255 characters)'] } },
    ],
    [
      { state: 'running', target_url: `http://e.example/${long}` },
      400,
      { message: { target_url: ['is too long (maximum is 255 characters)'] } },
    ],
    [
      { state: 'running', target_url: 'javascript:x' },
      400,
      { message: { target_url: ['is blocked: Only allowed schemes are http, https'] } },
    ],
    [
      { state: 'running', pipeline_id: 99 },
      404,
      { message: '404 Pipeline for pipeline_id, sha and ref Not Found' },
    ],
  ])('answers %j with %i', async (body, status, json) => {
    expect(await post(body)).toMatchObject({ status, json });
    expect(rig.gitlab.statuses(projectId, sha).rows).toEqual([]);
  });

  it('knows neither a missing commit nor one that no branch holds', async () => {
    const body = { state: 'running' };
    const missing = await rig.api(`/projects/${projectId}/statuses/${'f'.repeat(40)}`, {
      method: 'POST',
      body,
    });
    expect(missing).toMatchObject({ status: 404, json: { message: '404 Commit Not Found' } });
    const local = await rig.commitAll({ b: '1' }, 'tagged');
    await rig.git('tag', 'only');
    const url = `${rig.gitlab.url.replace('//', `//x:${rig.gitlab.token}@`)}/shop/web.git`;
    await rig.git('push', '--quiet', url, 'only');
    const loose = await rig.api(`/projects/${projectId}/statuses/${local}`, {
      method: 'POST',
      body,
    });
    expect(loose).toMatchObject({
      status: 404,
      json: { message: '404 References for commit Not Found' },
    });
  });
});
