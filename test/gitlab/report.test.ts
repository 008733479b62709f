/** The words of the commit statuses. */
import { describe, expect, it } from 'vitest';
import type { Build } from '../../src/core/build.ts';
import { createReport, statusOfBuild, statusOfDeployment } from '../../src/gitlab/report.ts';
import type { Status } from '../../src/gitlab/statuses.ts';
import { sampleDeployment } from '../deploy/sample.ts';

const url = 'https://ekiden.test';
const build: Build = {
  id: 'b1',
  project: 7,
  ref: 'refs/heads/main',
  sha: 'abc',
  cause: 'hook',
  state: 'running',
  deployments: [],
  legs: [],
  createdAt: 1,
};

describe('statusOfBuild', () => {
  it('is complete', () => {
    expect(statusOfBuild(build, 'running', url)).toEqual({
      project: 7,
      sha: 'abc',
      ref: 'refs/heads/main',
      name: 'ekiden/build',
      state: 'running',
      description: 'building',
      targetUrl: 'https://ekiden.test/builds/b1',
    });
  });

  it.each([
    ['queued', undefined, 'pending', 'waits for a builder'],
    ['running', undefined, 'running', 'building'],
    ['succeeded', undefined, 'success', 'image is in the registry'],
    ['failed', 'Dockerfile:2: no such file', 'failed', 'Dockerfile:2: no such file'],
    ['failed', undefined, 'failed', 'failed'],
    ['skipped', 'no environment takes x', 'skipped', 'no environment takes x'],
    ['superseded', 'superseded by abc', 'canceled', 'superseded by abc'],
    ['canceled', 'canceled by ada', 'canceled', 'canceled by ada'],
  ] as const)('%s, %s → %s: %s', (state, reason, wanted, description) => {
    const given = { ...build, state, ...(reason === undefined ? {} : { reason }) };
    expect(statusOfBuild(given, state, url)).toMatchObject({ state: wanted, description });
  });

  it('says where a build stands that is in line again after it was put off', () => {
    const again: Build = {
      ...{ ...build, state: 'queued', reason: 'waits to be tried again' },
      waiting: { position: 2, priority: 1 },
    };
    expect(statusOfBuild(again, 'queued', url)).toMatchObject({
      description: 'waits for a builder: 2nd in line',
    });
  });

  it('does not give a state that is told late the reason of the end', () => {
    const ended: Build = { ...build, state: 'superseded', reason: 'superseded by abc' };
    expect(statusOfBuild(ended, 'queued', url)).toMatchObject({
      description: 'waits for a builder',
    });
  });
});

describe('statusOfDeployment', () => {
  it('is complete', () => {
    const deployment = sampleDeployment({
      environment: 'review/x',
      addresses: ['a.test', 'b.test'],
    });
    expect(statusOfDeployment(deployment, 'succeeded', url)).toEqual({
      project: 7,
      sha: deployment.sha,
      ref: 'refs/heads/main',
      name: 'ekiden/deploy/review/x/web',
      state: 'success',
      description: 'live at a.test',
      targetUrl: 'https://ekiden.test/deployments/d1',
    });
  });

  it.each([
    ['queued', undefined, 'pending', 'waits for its turn'],
    ['running', undefined, 'running', 'starting new instances'],
    ['succeeded', undefined, 'success', 'live'],
    ['failed', 'listens on 3000, checked 8080', 'failed', 'listens on 3000, checked 8080'],
    ['failed', undefined, 'failed', 'failed'],
    ['superseded', 'superseded by abc', 'canceled', 'superseded by abc'],
  ] as const)('%s, %s → %s: %s', (state, reason, wanted, description) => {
    const given = sampleDeployment({ state, ...(reason === undefined ? {} : { reason }) });
    expect(statusOfDeployment(given, state, url)).toMatchObject({ state: wanted, description });
  });

  it.each([
    ['rollback', 'queued', 'waits for its turn: ada rolled back to release 3'],
    ['rollback', 'succeeded', 'live at a.test: ada rolled back to release 3'],
    ['redeploy', 'running', 'starting new instances: ada deployed again'],
    ['push', 'succeeded', 'live at a.test'],
  ] as const)('a %s that is %s says: %s', (kind, state, description) => {
    const given = sampleDeployment({ kind, by: 'ada', release: 3, addresses: ['a.test'] });
    expect(statusOfDeployment(given, state, url)).toMatchObject({ description });
  });

  it.each([
    ['queued', 'queued', 'no node answers'],
    ['running', 'running', 'no node answers'],
    ['running', 'queued', 'waits for its turn'],
    ['succeeded', 'succeeded', 'live'],
  ] as const)('of one that is %s and told as %s says: %s', (state, told, description) => {
    const given = sampleDeployment({ state, waiting: 'no node answers' });
    expect(statusOfDeployment(given, told, url)).toMatchObject({ description });
  });

  it('does not give a state that is told late the reason of the end', () => {
    const ended = sampleDeployment({ state: 'superseded', reason: 'superseded by abc' });
    expect(statusOfDeployment(ended, 'running', url)).toMatchObject({
      description: 'starting new instances',
    });
  });
});

describe('createReport', () => {
  it('tells of what is known, and of nothing else', async () => {
    const told: Status[] = [];
    const missing = () => Promise.reject(new Error('a report changes nothing'));
    const known =
      <T>(one: T) =>
      async (id: string) =>
        id === 'known' ? one : undefined;
    const store = { create: missing, update: missing, end: missing, active: missing };
    const report = createReport({
      builds: {
        ...store,
        find: known(build),
        start: missing,
        forgetReason: missing,
        saveDockerfile: missing,
        dockerfile: missing,
        list: missing,
      },
      deployments: {
        ...store,
        find: known(sampleDeployment()),
        lead: missing,
        takeOver: missing,
        release: missing,
        hold: missing,
        list: missing,
        leader: missing,
        forget: missing,
      },
      statuses: { report: async (status) => void told.push(status) },
      url,
    });
    await report.build('known', 'running');
    await report.deployment('known', 'queued');
    await report.build('unknown', 'running');
    await report.deployment('unknown', 'queued');
    expect(told).toEqual([
      statusOfBuild(build, 'running', url),
      statusOfDeployment(sampleDeployment(), 'queued', url),
    ]);
  });
});
