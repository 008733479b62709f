/** Every role alone, killed in each leg that it works in: each push still ends, told once and done once. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { roleNames } from '../../runners/role-names.ts';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { readPage } from '../demo/watching.ts';
import { payload } from '../hooks/door.ts';
import { appFiles, createFollowing, type Followed, type Project, within } from './following.ts';
import { createSeparate } from './separate.ts';
import { openStage } from './stage.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const buildStatus = 'ekiden/build';
const deployStatus = 'ekiden/deploy/production/web';
const separate = createSeparate('survive');
let stage: Stage;
let follow: ReturnType<typeof createFollowing>;
const projects = {} as Record<'resolve' | 'build' | 'push', Project>;

beforeAll(async () => {
  stage = await openStage('survive', { deadline: 60 }, separate.starter);
  follow = createFollowing(stage);
  for (const name of ['resolve', 'build', 'push'] as const) {
    projects[name] = await stage.project(`survive/${name}`);
  }
});

afterAll(async () => {
  await stage?.stop();
});

const hostOf = (name: string) => `survive-${name}.localhost`;

/** Nothing is told twice, and nothing after the end. */
function expectToldOnce(followed: Followed, end: Record<string, string>): void {
  const told = follow.told(followed);
  for (const [name, state] of Object.entries(end)) {
    const order = ['pending', 'running', state];
    expect([name, told[name]]).toEqual([name, order.filter((each) => told[name]?.includes(each))]);
    expect(told[name]?.at(-1)).toBe(state);
  }
}

it('keeps every delivery that it answered, when web and Redis are killed among them', async () => {
  await separate.flushAlways();
  const { project: _, ...body } = payload('push', { project_id: projects.push.id });
  const send = async (number: number) => {
    const after = number.toString(16).padStart(40, 'd');
    const answer = await fetch(`${stage.state.ekidenUrl}/hooks/gitlab`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Gitlab-Token': stage.state.hookSecret,
        'Idempotency-Key': `burst ${number}`,
      },
      body: JSON.stringify({ ...body, ref: `refs/heads/burst-${number}`, after }),
    });
    return answer.ok ? ((await answer.json()) as { build: string }).build : undefined;
  };
  const taken: string[] = [];
  let [isKilled, refused] = [false, 0];
  const sender = async (first: number) => {
    for (let number = first; number < 600 && !isKilled; number += 6) {
      const build = await send(number).catch(() => undefined);
      if (build === undefined) refused += 1;
      else taken.push(build);
    }
  };
  const sending = [0, 1, 2, 3, 4, 5].map(sender);
  await poll(() => taken.length > 20 || undefined, { within, what: 'the first answers' });
  await separate.signal('redis', 'SIGKILL');
  await poll(() => taken.length > 50 || undefined, { within, what: 'answers without Redis' });
  await separate.kill('web');
  await poll(() => refused > 0 || undefined, { within, what: 'a delivery that nobody takes' });
  isKilled = true;
  await Promise.all(sending);
  await separate.start('web');
  for (const build of taken) {
    await poll(
      async () => {
        const { state } = await readPage(stage.gitlab, `${stage.state.ekidenUrl}/builds/${build}`);
        return state === 'skipped' || undefined;
      },
      { within, every: 200, what: `the end of build ${build}` },
    );
  }
});

it('goes on when build is killed in three legs at once, with the registry away for 30 s', async () => {
  await separate.signal('registry', 'SIGSTOP');
  const pushing = await follow.push(projects.push, appFiles('push 1'));
  await follow.buildThat(pushing, ({ log }) => log.includes('naming to '), 'the push');
  const building = await follow.push(
    projects.build,
    appFiles('build 1', { step: 'RUN echo step; sleep 5; date' }),
  );
  await follow.buildThat(building, ({ log }) => log.includes('sleep 5'), 'the step');
  const files = `GET /api/v4/projects/${projects.resolve.id}/repository/files/`;
  stage.gitlab.faults.add({ route: new RegExp(files), delayMs: 5_000 });
  const resolving = await follow.push(projects.resolve, appFiles('resolve 1'));
  await poll(() => stage.gitlab.faults.left() === 0 || undefined, { within, what: 'a question' });

  await separate.kill('build');
  await separate.signal('registry', 'SIGCONT');
  await separate.stopRegistry();
  const since = Date.now();
  await separate.start('build');
  await follow.buildThat(pushing, ({ log }) => log.includes('naming to '), 'a new try');
  await poll(() => Date.now() - since > 30_000 || undefined, { within, what: '30 s' });
  await separate.startRegistry();

  for (const followed of [pushing, building, resolving]) {
    const rows = await follow.ended(followed);
    expect(rows[deployStatus]).toMatchObject({ status: 'success' });
    expectToldOnce(followed, { [buildStatus]: 'success', [deployStatus]: 'success' });
  }
  for (const name of ['push', 'build', 'resolve']) {
    await follow.answers(hostOf(name), `${name} 1`);
    expect((await follow.app(`survive/${name}`))?.labels['ekiden.release']).toBe('1');
  }
});

it('goes on when deploy is killed behind the PUT, while it watches and on the way back', async () => {
  const { marathon } = separate;
  marathon.writes.length = 0;
  const putOf = (name: string) => `PUT /v2/apps/survive/${name}/production/web`;
  const hasWritten = (name: string) => () => {
    return marathon.writes.some((line) => line.startsWith(putOf(name))) || undefined;
  };
  const slow = await follow.push(projects.resolve, appFiles('resolve 2', { startsAfter: 20 }));
  await poll(hasWritten('resolve'), { within, what: 'the slow release' });
  const behindPut = marathon.hold(new RegExp(putOf('push')));
  // Asked for before the release is sent: its deadline may pass before anybody looks again.
  const wayBack = marathon.hold(new RegExp(putOf('build')), 1);
  const broken = await follow.push(
    projects.build,
    appFiles('build 2', { port: 3000, manifest: 'deploy: { deadline: 10s }\n' }),
  );
  const sent = await follow.push(projects.push, appFiles('push 2'));
  await poll(() => (behindPut.isTaken() && wayBack.isTaken()) || undefined, {
    within,
    what: 'the PUT and the way back',
  });
  const tasks = (await follow.app('survive/push'))?.tasks.map(({ id }) => id) ?? [];

  await separate.kill('deploy');
  for (const held of [behindPut, wayBack]) held.letGo();
  await separate.start('deploy');

  for (const followed of [sent, slow]) {
    expect((await follow.ended(followed))[deployStatus]).toMatchObject({ status: 'success' });
    expectToldOnce(followed, { [buildStatus]: 'success', [deployStatus]: 'success' });
  }
  const failed = await follow.ended(broken);
  expect(failed[deployStatus]).toMatchObject({
    status: 'failed',
    description: expect.stringMatching(
      /^not healthy after 10 s, back to release 1: .*listens on 3000, checked 8080/,
    ),
  });
  expectToldOnce(broken, { [buildStatus]: 'success', [deployStatus]: 'failed' });
  await follow.answers(hostOf('push'), 'push 2');
  await follow.answers(hostOf('build'), 'build 1');
  await follow.answers(hostOf('resolve'), 'resolve 2');
  for (const [name, release] of Object.entries({ push: '2', build: '1', resolve: '2' })) {
    expect((await follow.app(`survive/${name}`))?.labels['ekiden.release']).toBe(release);
  }
  // The definition that was sent again is the same, so that no instance was started again.
  const left = (await follow.app('survive/push'))?.tasks.map(({ id }) => id) ?? [];
  expect(tasks).toEqual(expect.arrayContaining(left));
  expect(marathon.writes.filter((line) => line.includes(putOf('resolve')))).toHaveLength(1);
});

it('goes on when watch, engine, balance and nginx are killed under one push', async () => {
  const { gitlab } = stage;
  const others = roleNames.filter((name) => !['web', 'build', 'deploy'].includes(name));
  gitlab.faults.add({
    route: /^POST \/api\/v4\/projects\/\d+\/statuses\//,
    times: 1_000,
    status: 500,
  });
  const before = gitlab.faults.left();
  const followed = await follow.push(projects.push, appFiles('push 3', { startsAfter: 2 }));
  await poll(() => gitlab.faults.left() < before || undefined, {
    within,
    what: 'a refused status',
  });
  await poll(
    async () => {
      const tasks = (await follow.app('survive/push'))?.tasks ?? [];
      return tasks.length > 1 || undefined;
    },
    { within, every: 10, what: 'an instance that starts' },
  );
  await separate.kill('engine', ...others);
  await separate.signal('nginx', 'SIGKILL');
  gitlab.faults.clear();
  await separate.start('engine', ...others);

  await follow.answers(hostOf('push'), 'push 3');
  expect((await follow.ended(followed))[deployStatus]).toMatchObject({ status: 'success' });
  expectToldOnce(followed, { [buildStatus]: 'success', [deployStatus]: 'success' });
  await poll(async () => (await follow.app('survive/push'))?.tasks.length === 1 || undefined, {
    within,
    what: 'the end of the old instance',
  });
});

it('ends each role with 0 when it is asked to, and the apps go on', async () => {
  const codes = await separate.stopAll();
  expect(codes).toEqual(Object.fromEntries(['engine', ...roleNames].map((name) => [name, 0])));
  const { body } = await ask({ url: stage.state.nginxUrl, host: hostOf('push'), path: '/' });
  expect(body).toContain('push 3');
});
