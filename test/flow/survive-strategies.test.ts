/** Two apps of a service when everything is killed: in each step one app is left, with all requests. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { appFiles, createFollowing, type Followed, type Project, within } from './following.ts';
import { createSeparate } from './separate.ts';
import { openStage } from './stage.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const separate = createSeparate('twice');
const names = ['sent', 'trial', 'kept', 'ended', 'back'] as const;
type Name = (typeof names)[number];
const projects = {} as Record<Name, Project>;
let stage: Stage;
let follow: ReturnType<typeof createFollowing>;

beforeAll(async () => {
  stage = await openStage('twice', { deadline: 90 }, separate.starter);
  follow = createFollowing(stage);
  for (const name of names) projects[name] = await stage.project(`twice/${name}`);
});

afterAll(async () => {
  await stage?.stop();
});

const blueGreen = (keep: string) => `deploy: { strategy: { blue-green: { keep: ${keep} } } }\n`;
const canary = 'deploy: { strategy: { canary: { instances: 1, hold: manual } } }\n';
const pathOf = (name: Name) => `/v2/apps/twice/${name}/production/web`;
const status = 'ekiden/deploy/production/web';

interface Listed {
  id: string;
  sha: string;
  places?: { state: string }[];
}

async function ask(name: Name, path: string, body?: object): Promise<{ items: Listed[] }> {
  const { id } = projects[name];
  const answer = await fetch(`${stage.state.ekidenUrl}/api/v1/projects/${id}${path}`, {
    headers: { 'private-token': stage.gitlab.token, 'content-type': 'application/json' },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return (await answer.json()) as { items: Listed[] };
}

function inState(name: Name, { sha }: Followed, state: string): Promise<Listed> {
  const found = async () => {
    const [newest] = (await ask(name, '/deployments?limit=1')).items;
    return newest?.sha === sha && newest.places?.[0]?.state === state ? newest : undefined;
  };
  return poll(found, { within, what: `${name} ${state}` });
}

/** Releases of the service's two apps. */
async function releasesOf(name: Name): Promise<(string | undefined)[]> {
  const labels = ['', '.alt'].map(async (ending) => {
    const answer = await fetch(`${stage.state.marathonUrl}${pathOf(name)}${ending}`);
    const { app } = (await answer.json()) as { app?: { labels: Record<string, string> } };
    return app?.labels['ekiden.release'];
  });
  return Promise.all(labels);
}

it('goes on when deploy, the engine and Redis are killed in each step of a strategy', async () => {
  await separate.flushAlways();
  const { marathon } = separate;
  for (const name of names) {
    const first = await follow.push(projects[name], appFiles(`${name} 1`));
    expect((await follow.ended(first))[status]).toMatchObject({ status: 'success' });
  }
  const held = [
    marathon.hold(new RegExp(`^PUT ${pathOf('sent')}.alt`)),
    marathon.hold(new RegExp(`^DELETE ${pathOf('ended')}\\?`)),
    marathon.hold(new RegExp(`^DELETE ${pathOf('back')}.alt`)),
  ];
  const push = (name: Name, manifest: string, startsAfter = 0) =>
    follow.push(projects[name], appFiles(`${name} 2`, { manifest, startsAfter }));
  const kept = await push('kept', blueGreen('60s'));
  const back = await push('back', canary);
  await inState('kept', kept, 'holding');
  const { id } = await inState('back', back, 'holding');
  const trial = await push('trial', blueGreen('0s'), 25);
  await inState('trial', trial, 'trial');
  const ended = await push('ended', blueGreen('0s'));
  const sent = await push('sent', blueGreen('0s'));
  await ask('back', `/deployments/${id}/decision`, { go: 'back' });
  await poll(() => held.every(({ isTaken }) => isTaken()) || undefined, { within, what: 'holds' });

  await separate.kill('deploy', 'engine');
  await separate.signal('redis', 'SIGKILL');
  for (const each of held) each.letGo();
  await separate.start('engine', 'deploy');

  for (const followed of [sent, trial, kept, ended]) {
    const told = (await follow.ended(followed))[status];
    const { webUrl } = followed.project;
    expect([webUrl, told?.description, told?.status]).toEqual([
      webUrl,
      expect.anything(),
      'success',
    ]);
  }
  expect((await follow.ended(back))[status]).toMatchObject({
    status: 'failed',
    description: expect.stringMatching(/took it back, back to release 1/),
  });
  for (const name of names) {
    const isBack = name === 'back';
    expect([name, await releasesOf(name)]).toEqual([
      name,
      isBack ? ['1', undefined] : [undefined, '2'],
    ]);
    await follow.answers(`twice-${name}.localhost`, `${name} ${isBack ? 1 : 2}`);
  }
});
