/** Blue/green, a canary and their ways back, from a push to what users get, with everything real. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { ask, startTraffic } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { appFiles, createFollowing, within } from './following.ts';
import { openStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('strategies', { deadline: 60 });
});
afterAll(async () => {
  await stage?.stop();
});

const host = 'new-app.localhost';
const name = 'ekiden/deploy/production/web';

interface Listed {
  id: string;
  sha: string;
  state: string;
  reason?: string;
  places?: { state: string; strategy: string }[];
}

type Project = Awaited<ReturnType<Stage['project']>>;

async function api<T>({ id }: Project, method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${stage.state.ekidenUrl}/api/v1/projects/${id}${path}`, {
    method,
    headers: { 'private-token': stage.gitlab.token, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}`);
  return (await answer.json()) as T;
}

const newest = async (project: Project) =>
  (await api<{ items: Listed[] }>(project, 'GET', '/deployments?limit=1')).items[0];

function deploymentOf(project: Project, sha: string, isSo: (found: Listed) => boolean) {
  const found = async () => {
    const deployment = await newest(project);
    return deployment?.sha === sha && isSo(deployment) ? deployment : undefined;
  };
  return poll(found, { within, what: `the deployment of ${sha.slice(0, 12)}` });
}

const holds = ({ places }: Listed) => places?.[0]?.state === 'holding';
const answer = async () => (await ask({ url: stage.state.nginxUrl, host })).body;

/** Whether the service has an app of that id. */
async function has(ending: string): Promise<boolean> {
  const { status } = await fetch(
    `${stage.state.marathonUrl}/v2/apps/new/app/production/web${ending}`,
  );
  return status === 200;
}

async function answers(count: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let turn = 0; turn < count; turn += 1) seen.add(await answer());
  return seen;
}

it('a release is tried beside another, and nobody notices', async () => {
  const project = await stage.project('new/app');
  const { push } = createFollowing(stage);
  const deploy = (text: string) => ({ manifest: `deploy: { strategy: ${text} }\n` });
  const ended = (sha: string, states = ['success']) =>
    awaitStatus(stage.gitlab, { project: project.id, sha, name, states, within });

  const first = await push(project, appFiles('one', deploy('{ blue-green: { keep: 60s } }')));
  await ended(first.sha);
  expect(await answer()).toBe('one');
  const traffic = startTraffic({ url: stage.state.nginxUrl, host, perSecond: 50 });

  const green = await push(project, appFiles('two', deploy('{ blue-green: { keep: 60s } }')));
  await deploymentOf(project, green.sha, holds);
  expect(await answers(10)).toEqual(new Set(['two']));
  expect([await has(''), await has('.alt')]).toEqual([true, true]);
  const asked = Date.now();
  await api(project, 'POST', '/environments/production/rollback', {});
  await poll(async () => (await answer()) === 'one' || undefined, { within, what: 'one' });
  // Long before what is kept beside it would have gone by itself.
  expect(Date.now() - asked).toBeLessThan(45_000);
  await poll(async () => !(await has('.alt')) || undefined, { within, what: 'one app' });

  const canary = deploy('{ canary: { instances: 1, hold: manual } }');
  const third = await push(project, appFiles('three', canary));
  const held = await deploymentOf(project, third.sha, holds);
  expect(await answers(20)).toEqual(new Set(['one', 'three']));
  await api(project, 'POST', `/deployments/${held.id}/decision`, { go: 'back' });
  const { description } = await ended(third.sha, ['failed']);
  expect(description).toMatch(/took it back, back to release 1/);
  expect(await answers(10)).toEqual(new Set(['one']));

  const fourth = await push(project, appFiles('four', canary));
  const { id } = await deploymentOf(project, fourth.sha, holds);
  await api(project, 'POST', `/deployments/${id}/decision`, { go: 'on' });
  await ended(fourth.sha);
  expect(await answers(10)).toEqual(new Set(['four']));
  expect([await has(''), await has('.alt')]).toEqual([true, false]);

  const fifth = await push(project, appFiles('five', deploy('{ blue-green: { keep: 1s } }')));
  await ended(fifth.sha);
  expect([await has(''), await has('.alt')]).toEqual([false, true]);
  const { failures, requests } = await traffic.stop();
  expect(failures).toEqual([]);
  expect(requests.fresh + requests.kept).toBeGreaterThan(100);
});
