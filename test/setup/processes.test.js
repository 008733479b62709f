/** Tests of naming and ending processes, and of the lock that ends with its owner. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withLock } from './lock.js';
import { mountsBelow } from './mounts.js';
import { endProcesses, identify, isAlive, parentOf, processesWithSetting } from './processes.js';

const folder = mkdtempSync(join(tmpdir(), 'ekiden-setup-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function startShell(script, env = {}) {
  const child = spawn('sh', ['-c', `${script}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  await once(child.stdout, 'data');
  return child;
}

describe('a recorded process', () => {
  it('is not mistaken for another with its number', () => {
    const record = identify(process.pid);
    expect(isAlive(record)).toBe(true);
    expect(isAlive({ ...record, startTime: '1' })).toBe(false);
    expect(isAlive(undefined)).toBe(false);
  });

  it('is ended, also when it does not listen', async () => {
    const deaf = await startShell('trap "" TERM; echo up; while true; do sleep 0.1; done');
    const record = identify(deaf.pid);
    expect(parentOf(deaf.pid)).toBe(process.pid);
    await endProcesses([record, { ...identify(process.pid), startTime: '1' }], 200);
    expect(isAlive(record)).toBe(false);
  });

  it('is found by a setting it was started with', async () => {
    const setting = { EKIDEN_SETUP_MARK: folder };
    const child = await startShell('echo up; exec sleep 100', setting);
    const found = () => processesWithSetting([`EKIDEN_SETUP_MARK=${folder}`]);
    // In the moment in which one program becomes another the process shows no settings.
    await expect.poll(() => found().map(({ pid }) => pid)).toEqual([child.pid]);
    await endProcesses(found());
    expect(found()).toEqual([]);
  });
});

describe('withLock', () => {
  it('keeps others out until its work is done', async () => {
    const order = [];
    let release;
    const first = withLock(folder, {}, () => new Promise((resolve) => (release = resolve)));
    await expect.poll(() => release).toBeDefined();
    const onWait = () => order.push('waits') && release();
    await withLock(folder, { onWait }, () => order.push('works'));
    await first;
    expect(order).toEqual(['waits', 'works']);
  });

  it('is free again when its owner was killed', async () => {
    const owner = await startShell(`exec 9<'${folder}'; flock 9; echo up; exec sleep 100`);
    const onWait = () => owner.kill('SIGKILL');
    expect(await withLock(folder, { onWait }, () => 'works')).toBe('works');
  });
});

describe('mountsBelow', () => {
  it('lists the mounts of a folder, innermost first, with their true names', () => {
    const mountinfo = [
      '21 1 8:1 / / rw - ext4 /dev/a rw',
      '22 21 8:1 / /a/b\\040c rw - ext4 /dev/a rw',
      '23 22 8:1 / /a/b\\040c/d rw - ext4 /dev/a rw',
      '24 21 8:1 / /a/b\\040cd rw - ext4 /dev/a rw',
      '',
    ].join('\n');
    expect(mountsBelow('/a/b c', mountinfo)).toEqual(['/a/b c/d', '/a/b c']);
  });
});
