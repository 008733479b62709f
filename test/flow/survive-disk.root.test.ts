/** The disk of the data folder is full for a while: nothing breaks, each push is answered, and it goes on with room. */
import { execFile } from 'node:child_process';
import { mkdtemp, open, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { poll } from '../demo/poll.ts';
import type { Stage } from '../demo/stage.ts';
import { readPage } from '../demo/watching.ts';
import { appFiles, createFollowing, type Project, within } from './following.ts';
import { openStage } from './stage.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const run = promisify(execFile);
const deployStatus = 'ekiden/deploy/production/web';
const host = 'disk-app.localhost';
let disk: string;
let stage: Stage;
let follow: ReturnType<typeof createFollowing>;
let project: Project;

/** Takes all room that is left, again and again until it is given back. */
async function fill(): Promise<{ giveBack(): Promise<void> }> {
  const path = join(disk, 'ballast');
  const file = await open(path, 'a');
  const takeAll = async () => {
    for (const size of [1 << 20, 1 << 12]) {
      const bytes = Buffer.alloc(size);
      // Until the disk takes no more of it.
      while ((await file.write(bytes).catch(() => ({ bytesWritten: 0 }))).bytesWritten === size);
    }
  };
  await takeAll();
  const timer = setInterval(() => void takeAll(), 200);
  return {
    async giveBack() {
      clearInterval(timer);
      await file.close();
      await rm(path);
    },
  };
}

beforeAll(async () => {
  disk = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk]);
  // The whole disk has less room than builds are usually given.
  const settings = { EKIDEN_BUILD_FREE_DISK: '1' };
  stage = await openStage('disk', { deadline: 60, ekidenData: join(disk, 'ekiden'), settings });
  follow = createFollowing(stage);
  project = await stage.project('disk/app');
});

afterAll(async () => {
  await stage?.stop();
  await run('umount', ['--lazy', disk]);
  await rm(disk, { recursive: true, force: true });
});

it('goes on when there is room again', async () => {
  const first = await follow.push(project, appFiles('one'));
  expect((await follow.ended(first))[deployStatus]).toMatchObject({ status: 'success' });
  const { giveBack } = await fill();
  expect((await statfs(disk)).bavail).toBeLessThan(16);

  const second = await follow.push(project, appFiles('two'));
  const answers = [await follow.decisionOn(second)];
  // Redis finds out within a second that it cannot write, and refuses from then on.
  const refused = await poll(
    async () => {
      const pushed = await follow.push(project, appFiles(`try ${answers.length}`));
      const answer = await follow.decisionOn(pushed);
      answers.push(answer);
      return answer.decision === 'ignored' ? { pushed, answer } : undefined;
    },
    { within, every: 500, what: 'a delivery that is not taken' },
  );
  expect(refused.answer.reason).toMatch(
    /^Ekiden cannot keep the delivery: .*(ENOSPC).*Resend the delivery/,
  );
  await follow.answers(host, 'one');
  expect((await fetch(`${stage.state.ekidenUrl}/healthz`)).status).toBe(200);

  await giveBack();
  const last = await poll(
    async () => {
      const pushed = await follow.push(project, appFiles(`after ${Date.now()}`));
      return (await follow.decisionOn(pushed)).decision === 'queued' ? pushed : undefined;
    },
    { within, every: 500, what: 'a delivery that is taken' },
  );
  expect((await follow.ended(last))[deployStatus]).toMatchObject({ status: 'success' });
  await follow.answers(host, 'after');
  // What was taken has ended as well, whatever became of it.
  for (const { build } of answers.filter(({ decision }) => decision === 'queued')) {
    const page = `${stage.state.ekidenUrl}/builds/${build}`;
    const stateOf = async () => (await readPage(stage.gitlab, page)).state;
    const isEnd = (state: unknown) => ['superseded', 'succeeded', 'failed'].includes(String(state));
    await expect.poll(async () => isEnd(await stateOf()), { timeout: within }).toBe(true);
  }
});

it('has broken nothing: all is read again after a kill', async () => {
  const { dataDir } = stage.state;
  const pidOf = async (name: string) =>
    Number(JSON.parse(await readFile(join(dataDir, 'run', `${name}.json`), 'utf8')).pid);
  const before = await follow.app('disk/app');
  for (const name of ['redis', 'engine'] as const) {
    const pid = await pidOf(name);
    process.kill(pid, 'SIGKILL');
    await poll(async () => (await pidOf(name)) !== pid || undefined, {
      within,
      what: `a new ${name}`,
    });
  }
  await poll(async () => (await follow.app('disk/app'))?.tasks.length || undefined, {
    within,
    what: 'the app',
  });
  expect((await follow.app('disk/app'))?.tasks.map(({ id }) => id)).toEqual(
    before?.tasks.map(({ id }) => id),
  );
  const pushed = await follow.push(project, appFiles('at last'));
  expect((await follow.ended(pushed))[deployStatus]).toMatchObject({ status: 'success' });
  await follow.answers(host, 'at last');
});
