/** What fails is told in one sentence and leaves evidence: real containers, the engine, a node and Redis. */
import {
  afterAll,
  beforeAll,
  describe,
  type ExpectStatic,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import type { ServiceSpec } from '../../src/core/manifest.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { WAIT } from '../engine/harness.ts';
import { type FailingRig, startFailingRig } from './failing-rig.ts';

let rig: FailingRig;
beforeAll(async () => {
  rig = await startFailingRig();
}, 60_000);
afterAll(() => rig.stop());

/** Milliseconds; many containers begin at once. */
const slow = { timeout: 120_000 };
const patience = { timeout: 60_000, interval: 100 };
const serve = (port: string) => `mkdir /w; echo hi > /w/index.html; httpd -p ${port} -h /w`;

/** How the deployment ended after it said what is wrong, and what is kept of its first failed instance. */
async function fail(
  expect: ExpectStatic,
  name: string,
  change: Partial<ServiceSpec>,
  said: RegExp,
  more?: Partial<Deployment>,
) {
  const { app, expire } = await rig.deploy(name, change, more);
  const record = async () =>
    (await rig.stores.deployments.find(name)) ?? { waiting: '', reason: '' };
  await expect.poll(async () => (await record()).waiting, patience).toMatch(said);
  await expect.poll(() => rig.isLookedAt(app), patience).toBe(true);
  await expire();
  const { evidence } = rig.stores;
  const [release = 0] = await evidence.releases(app);
  const [first] = await evidence.list(app, release);
  return {
    reason: (await record()).reason?.replace(/^not healthy after 0 s, taken down: /, ''),
    evidence: first && (await evidence.find(app, release, first.instance)),
    count: await evidence.count(app, release),
  };
}

const tailOf = (found: Awaited<ReturnType<typeof fail>>, path: string) =>
  found.evidence?.logs.find((tail) => tail.path === path)?.lines;

// Each waits for containers to fail, so they go side by side.
describe.concurrent('a deployment says what is wrong, and keeps the evidence', slow, () => {
  it('of a program that exits', async ({ expect }) => {
    const command =
      'echo begin; echo line > /var/log/app/app.log; echo "no DATABASE_URL, only hunter2-secret" >&2; exit 3';
    const found = await fail(
      expect,
      'exits',
      { command },
      /exited with status 3; it said last: no DATABASE_URL/,
    );
    const last = 'it said last: no DATABASE_URL, only [REDACTED]';
    expect(found.reason).toBe(`exited with status 3; ${last}`);
    expect(found.evidence).toMatchObject({
      ...{ project: 7, environment: 'production', service: 'exits', dataCentre: 'default' },
      ...{ state: 'TASK_FAILED', reason: 'exited with status 3' },
      exit: { code: 3, outOfMemory: false },
    });
    expect(found.evidence?.logs).toEqual([
      { path: 'stderr', lines: ['no DATABASE_URL, only [REDACTED]'] },
      { path: 'stdout', lines: ['begin'] },
      { path: 'logs/app.log', lines: ['line'] },
    ]);
  });

  it('of a program that needs more memory than it has', async ({ expect }) => {
    // Of a container that is gone at once Docker may never hear that it was the memory.
    const command = 'echo hungry; tail -c 200m /dev/zero; code=$?; sleep 1; exit $code';
    const found = await fail(expect, 'hungry', { command }, /ran out of memory and was killed/);
    expect(found.reason).toBe('ran out of memory and was killed');
    expect(found.evidence).toMatchObject({
      reason: 'ran out of memory and was killed',
      exit: { code: 137, signal: 'SIGKILL', outOfMemory: true },
    });
    expect(tailOf(found, 'stdout')).toEqual(['hungry']);
  });

  it.for([
    ['in a network of its own', 'bridged', [8080], '8080'],
    ["in the host's network", 'hosted', 'auto' as const, '\\d+'],
  ] as const)('of a program on the wrong port, %s', async ([_, name, given, on], { expect }) => {
    const [free = ''] = await freeAddresses(1);
    const [port, ports] =
      given === 'auto' ? [free.split(':')[1] ?? '', given] : ['3000', [...given]];
    const said = new RegExp(`^listens on ${port}, checked ${on}$`);
    const found = await fail(expect, name, { command: `${serve(port)}; ${WAIT}`, ports }, said);
    expect(found.reason).toMatch(said);
    expect(found.evidence).toMatchObject({
      ...{ state: 'TASK_RUNNING', listening: [Number(port)] },
      checks: [
        {
          check: expect.stringMatching(/^TCP on \d+$/),
          alive: false,
          cause: expect.stringMatching(said),
        },
      ],
    });
    expect(found.evidence?.reason).toMatch(said);
  });

  it('of a check that answers 500', async ({ expect }) => {
    const page = '/w/cgi-bin/health';
    const write = `printf '#!/bin/sh\nprintf "Status: 500 Broken\\\\r\\\\n\\\\r\\\\n"\n' > ${page}`;
    const command = `mkdir -p /w/cgi-bin; ${write}; chmod +x ${page}; httpd -p 8080 -h /w; ${WAIT}`;
    const health = { interval: 1, timeout: 2, grace: 60, failures: 3, path: '/cgi-bin/health' };
    const said = /^HTTP 500 from \/cgi-bin\/health$/;
    const found = await fail(expect, 'ill', { command, health }, said);
    expect(found.reason).toMatch(said);
    expect(found.evidence).toMatchObject({
      checks: [{ check: 'HTTP /cgi-bin/health on 8080', alive: false }],
    });
    expect(found.evidence?.reason).toMatch(said);
  });

  it('of a command that is not there', async ({ expect }) => {
    const command = ['/app/serve'];
    const found = await fail(expect, 'lost', { command }, /was not found in the image/);
    expect(found.reason).toBe('its command /app/serve was not found in the image');
    expect(found.evidence).toMatchObject({ reason: found.reason, logs: [] });
  });

  it('of an image that is not there', async ({ expect }) => {
    const image = `127.0.0.1:1/none@sha256:${'0'.repeat(64)}`;
    const found = await fail(expect, 'unpulled', {}, /cannot be pulled: /, { image });
    expect(found.reason).toContain(`its image ${image} cannot be pulled: `);
    expect(found.evidence).toMatchObject({ reason: found.reason, logs: [] });
  });

  it('of a constraint that no node meets', async ({ expect }) => {
    const constraints = [['hostname', 'LIKE', 'gpu-.*']];
    const said = /^no node meets its constraint hostname LIKE gpu-\.\*$/;
    const found = await fail(expect, 'dedicated', { command: WAIT, constraints }, said);
    expect(found.reason).toMatch(said);
  });

  it('of what no node has room for', async ({ expect }) => {
    const found = await fail(
      expect,
      'large',
      { command: 'sleep 60', cpus: 64 },
      /^no node has 64 processors free/,
    );
    const said = /^no node has 64 processors free \(the most that one has is (4|3\.\d)\)$/;
    expect(found.reason).toMatch(said);
    expect(found.evidence).toBeUndefined();
  });
});

it('whoever leads keeps the evidence of what fails at any other time, once', slow, async () => {
  const following = new AbortController();
  const leaders = [1, 2].map(() => rig.diagnosing.followFailures(following.signal));
  onTestFinished(async () => {
    following.abort();
    await Promise.all(leaders);
  });
  const end = `trap 'echo late >&2; exit 4' USR1`;
  const { app, done } = await rig.deploy('later', { command: `${end}; ${serve('8080')}; ${WAIT}` });
  await done;
  await expect.poll(() => rig.listeningOf(app), patience).toEqual([8080]);
  await rig.signal(app, 'SIGUSR1');
  const { evidence } = rig.stores;
  const known = async () => {
    const [release = 0] = await evidence.releases(app);
    const [first] = await evidence.list(app, release);
    return first && evidence.find(app, release, first.instance);
  };
  await expect.poll(known, patience).toMatchObject({
    ...{ exit: { code: 4 }, listening: [8080], checks: [{ alive: true }] },
    logs: [{ path: 'stderr', lines: ['late'] }],
  });
});
