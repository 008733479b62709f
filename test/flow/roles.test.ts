/** Every role as a process of its own, over a Redis, a registry and a Marathon that are given to them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { awaitStatus } from '../demo/watching.ts';
import { appFiles } from './following.ts';
import { createRoleProcesses } from './role-processes.ts';
import { openStage } from './stage.ts';

const { running, starter } = createRoleProcesses();
let stage: Stage;

beforeAll(async () => {
  stage = await openStage('roles', { deadline: 60 }, starter);
});

afterAll(async () => {
  await stage?.stop();
});

it('carries a push to a live app, and each role ends with 0 when it is asked to', async () => {
  const project = await stage.project('roles/app');
  const sha = await project.copy.commit(appFiles('"v1"'), 'v1');
  await project.copy.push();
  const live = await awaitStatus(stage.gitlab, {
    project: project.id,
    sha,
    name: 'ekiden/deploy/production/web',
    states: ['success', 'failed'],
    within: 120_000,
  });
  expect(live.status).toBe('success');
  const request = { url: stage.state.nginxUrl, host: 'roles-app.localhost' };
  expect((await ask(request)).body).toContain('"v1"');

  for (const [name, process] of [...running].reverse()) {
    expect([name, await process.stop()]).toEqual([name, 0]);
  }
  expect((await ask(request)).body).toContain('"v1"');
});
