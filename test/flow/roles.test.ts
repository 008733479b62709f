/** Every role as a process of its own, over a Redis, a registry and a Marathon that are given to them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { projectFiles } from '../demo/sample-project.ts';
import { isReady, type Stage, type Starter } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { openStage } from './stage.ts';

const roles = ['web', 'build', 'deploy', 'watch', 'balance'] as const;
const running = new Map<string, EkidenProcess>();
let stage: Stage;

/** Starts the parts that `ekiden up` would embed, then each role alone. */
const startSeparately: Starter = async (settings, state) => {
  const { dataDir: data, registry } = state;
  const common = { data, env: childEnvironment(), log: silent };
  const redis = await startRedis(common);
  const images = await startRegistry({ ...common, listen: registry, install: 'roles' });
  const start = async (name: string, args: string[], ready: () => Promise<boolean>) => {
    const process = await startEkidenProcess({
      ...{ name, args, data, isReady: ready },
      settings: {
        ...settings,
        REDIS_URL: redis.url,
        REGISTRY_URL: registry,
        MARATHON_URL: state.marathonUrl,
      },
    });
    running.set(name, process);
  };
  const engine = [
    'engine',
    '--listen',
    new URL(state.marathonUrl).host,
    '--data',
    `${data}/engine`,
  ];
  const docker = [
    '--docker',
    settings['DOCKER_HOST'] ?? '',
    '--install',
    settings['EKIDEN_INSTALL'] ?? '',
  ];
  await start(
    'engine',
    [...engine, ...docker],
    async () => (await fetch(`${state.marathonUrl}/ping`)).ok,
  );
  await start('web', ['web'], () => isReady(state));
  for (const role of roles.slice(1)) await start(role, [role], async () => true);
  return {
    async stop() {
      await Promise.all([...running.values()].map((process) => process.stop()));
      await Promise.all([redis.stop(), images.stop()]);
    },
  };
};

beforeAll(async () => {
  stage = await openStage('roles', {}, startSeparately);
});

afterAll(async () => {
  await stage?.stop();
});

it('carries a push to a live app, and each role ends with 0 when it is asked to', async () => {
  const project = await stage.project('roles/app');
  const sha = await project.copy.commit(projectFiles('v1'), 'v1');
  await project.copy.push();
  const live = await awaitStatus(stage.gitlab, {
    project: project.id,
    sha,
    name: 'ekiden/deploy/production/web',
    states: ['success', 'failed'],
    within: 90_000,
  });
  expect(live.status).toBe('success');
  const request = { url: stage.state.nginxUrl, host: 'roles-app.localhost' };
  expect((await ask(request)).body).toContain('"v1"');

  for (const [name, process] of [...running].reverse()) {
    expect([name, await process.stop()]).toEqual([name, 0]);
  }
  expect((await ask(request)).body).toContain('"v1"');
});
