/** The first leg and files of other projects: on whose behalf they are read, what is kept, and what is waited for. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { rackAttack } from '../stand-ins/gitlab/gitlab.ts';
import { type Host, type Rig, short, startHost } from './rig.ts';

let host: Host;
let rig: Rig;
let shared: { id: number; path: string; sha: string };
let member: number;
let count = 0;

beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
  const { id, path } = await rig.gitlab.createProject({ path: `platform/docker-${++count}` });
  const files = { base: 'FROM scratch\n' };
  const sha = await rig.gitlab.commit(id, { branch: 'main', message: 'x', files });
  shared = { id, path, sha };
  member = rig.gitlab.createUser({ username: `ada-${count}`, projectId: id, accessLevel: 20 }).id;
});

const commit = () => rig.commit({ Dockerfile: `INCLUDE project:${shared.path}:base\nUSER 1\n` });

async function planned(build: string) {
  return (await rig.stores.builds.find(build))?.plan?.fragments;
}

it('reads for who pushed, and keeps what it took', async () => {
  const sha = await commit();
  const events = await rig.resolve(rig.push('b1', sha, { actor: member }));
  expect(events).toEqual([{ type: 'build.resolved', build: 'b1' }]);
  expect(await planned('b1')).toEqual([
    {
      source: `project:${shared.path}:base`,
      file: `project:${shared.path}@${short(shared.sha)}:base`,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      project: { id: shared.id, path: shared.path, sha: shared.sha, file: 'base' },
    },
  ]);
  const dockerfile = await rig.stores.builds.dockerfile('b1');
  expect(dockerfile?.bytes.toString()).toBe('FROM scratch\nUSER 1\n');
});

it('fails for who may not read there, and for a push of nobody who is known', async () => {
  const sha = await commit();
  const { id } = rig.gitlab.createUser({ username: `bob-${count}` });
  await rig.resolve(rig.push('b1', sha, { actor: id }));
  expect(await rig.endOf('b1')).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(`^Dockerfile:1:9: ${shared.path} does not exist, or`),
  });
  await rig.resolve(rig.push('b2', await commit()));
  expect((await rig.endOf('b2')).reason).toContain('no user of GitLab is known');
});

it('waits as GitLab asks while that has a limit, and goes on then', async () => {
  const sha = await commit();
  const fault = rackAttack({ retryAfterSeconds: 20 });
  rig.gitlab.faults.add({ route: /\/repository\/files\/base/, ...fault });
  const arrival = rig.push('b1', sha, { actor: member });
  await expect(rig.resolve(arrival)).rejects.toMatchObject({ code: 'E_FETCH', retryAfter: 20 });
  expect(await rig.endOf('b1')).toEqual({
    state: 'queued',
    reason: expect.stringMatching(
      /^waits to be tried again in 20 s: Dockerfile:1:9: GitLab, asked for /,
    ),
  });
  expect(await rig.resolve(arrival)).toEqual([{ type: 'build.resolved', build: 'b1' }]);
});

it('takes again what an earlier build took, where it is to be made exactly so', async () => {
  const sha = await commit();
  await rig.resolve(rig.push('b1', sha, { actor: member }));
  const pins = (await planned('b1')) ?? [];
  await rig.stores.builds.end('b1', 'failed', 'x');
  const files = { base: 'FROM scratch\nUSER 2\n' };
  await rig.gitlab.commit(shared.id, { branch: 'main', message: 'y', files });
  const textOf = async (build: string) =>
    (await rig.stores.builds.dockerfile(build))?.bytes.toString();

  await rig.resolve(rig.push('b2', sha, { actor: member, again: { pins } }));
  expect(await textOf('b2')).toBe('FROM scratch\nUSER 1\n');
  expect(await planned('b2')).toEqual(pins);
  await rig.stores.builds.end('b2', 'failed', 'x');
  await rig.resolve(rig.push('b3', sha, { actor: member }));
  expect(await textOf('b3')).toBe('FROM scratch\nUSER 2\nUSER 1\n');
  await rig.stores.builds.end('b3', 'failed', 'x');
  const edited = pins.map((pin) => ({ ...pin, sha256: '0'.repeat(64) }));
  await rig.resolve(rig.push('b4', sha, { actor: member, again: { pins: edited } }));
  expect((await rig.endOf('b4')).reason).toMatch(/ is no longer what the earlier build took/);
});

it('keeps a repeat that was left out apart from what was spliced in', async () => {
  const sources = [`project:${shared.path}:base`, `project:${shared.path}@main:base`];
  const sha = await rig.commit({
    Dockerfile: `INCLUDE ${sources[0]}\nRUN a\nINCLUDE --once ${sources[1]}\n`,
  });
  await rig.resolve(rig.push('b1', sha, { actor: member }));
  const plan = (await rig.stores.builds.find('b1'))?.plan;
  expect(plan?.fragments.map(({ source }) => source)).toEqual([sources[0]]);
  expect(plan?.skipped).toMatchObject([
    { source: sources[1], project: { ref: 'main', sha: shared.sha } },
  ]);
});
