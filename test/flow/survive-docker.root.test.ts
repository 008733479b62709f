/** The Docker daemon is restarted under running apps, with live-restore and without. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Stage } from '../demo/stage.ts';
import { startTraffic } from '../demo/traffic.ts';
import { appFiles, createFollowing, type Project } from './following.ts';
import { type OwnDockerd, startOwnDockerd } from './own-dockerd.ts';
import { openStage, setting } from './stage.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const deployStatus = 'ekiden/deploy/production/web';
let dockerd: OwnDockerd;
let stage: Stage;
let follow: ReturnType<typeof createFollowing>;
let bridged: Project;
let onHost: Project;

const hostFiles = {
  ...appFiles('on the host', { port: '$PORT' }),
  '.ekiden.yml': 'services: { web: { ports: auto, mem: 32, health: { path: /, interval: 1s } } }\n',
};

beforeAll(async () => {
  dockerd = await startOwnDockerd(setting('DOCKER_HOST'), [setting('EKIDEN_TEST_BUSYBOX')]);
  stage = await openStage('dockerd', { deadline: 60, dockerHost: dockerd.host });
  follow = createFollowing(stage);
  bridged = await stage.project('docker/bridged');
  onHost = await stage.project('docker/host');
  const pushes = [
    await follow.push(bridged, appFiles('bridged')),
    await follow.push(onHost, hostFiles),
  ];
  for (const pushed of pushes) {
    expect((await follow.ended(pushed))[deployStatus]).toMatchObject({ status: 'success' });
  }
});

afterAll(async () => {
  await stage?.stop();
  await dockerd?.stop();
});

const tasksOf = async (name: string) =>
  (await follow.app(`docker/${name}`))?.tasks.map(({ id }) => id);

it('with live-restore apps serve on, and a build under way is made', async () => {
  const before = { bridged: await tasksOf('bridged'), host: await tasksOf('host') };
  const pushed = await follow.push(
    await stage.project('docker/built'),
    appFiles('built', { step: 'RUN echo step; sleep 4; date' }),
  );
  await follow.buildThat(pushed, ({ log }) => log.includes('sleep 4'), 'the step');
  const traffic = startTraffic({
    ...{ url: stage.state.nginxUrl, host: 'docker-host.localhost', perSecond: 20 },
  });
  await dockerd.restart({ liveRestore: true });
  await follow.answers('docker-bridged.localhost', 'bridged');
  expect((await follow.ended(pushed))[deployStatus]).toMatchObject({ status: 'success' });
  expect((await traffic.stop()).failures).toEqual([]);
  expect({ bridged: await tasksOf('bridged'), host: await tasksOf('host') }).toEqual(before);
  await follow.answers('docker-built.localhost', 'built');
});

it('without live-restore all are back', async () => {
  const before = await tasksOf('bridged');
  await dockerd.restart({ liveRestore: false });
  for (const [name, text] of [
    ['bridged', 'bridged'],
    ['host', 'on the host'],
    ['built', 'built'],
  ]) {
    await follow.answers(`docker-${name}.localhost`, text ?? '');
  }
  expect(await tasksOf('bridged')).not.toEqual(before);
  const pushed = await follow.push(bridged, appFiles('bridged again'));
  expect((await follow.ended(pushed))[deployStatus]).toMatchObject({ status: 'success' });
  await follow.answers('docker-bridged.localhost', 'bridged again');
});
