/** Tests of the set-up's own Docker daemon, which only root can start. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mountsBelow } from './mounts.js';
import { root } from './paths.js';
import { processesWithArgument } from './processes.js';

const cache = mkdtempSync(join(tmpdir(), 'ekiden-docker-'));
afterAll(() => rmSync(cache, { recursive: true }));

function runScript(text) {
  const script = `import { abandonedSlots, claimSlot, closeSlot, openSlot } from './own-docker.js';\n${text}`;
  const options = {
    cwd: join(root, 'test/setup'),
    env: { ...process.env, XDG_CACHE_HOME: cache },
    encoding: 'utf8',
  };
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    options,
  );
  if (stderr) throw new Error(stderr);
  return JSON.parse(stdout);
}

const open = `const slot = claimSlot(); const api = await openSlot(slot); await api.post('/networks/create', { Name: 'left' });`;
const tell = `process.stdout.write(JSON.stringify(slot), () => process.kill(process.pid, 'SIGKILL'));`;
const sweep = `const slots = abandonedSlots(); for (const slot of slots) await closeSlot(slot); console.log(slots.length);`;

function whatIsLeft(slot) {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  return {
    processes: processesWithArgument(['dockerd', 'containerd'], slot.runtime).length,
    mounts: [...mountsBelow(slot.folder, mountinfo), ...mountsBelow(slot.runtime, mountinfo)],
    runtime: existsSync(slot.runtime),
    owner: existsSync(slot.owner),
  };
}

describe('a Docker daemon of the set-up', () => {
  const nothing = { processes: 0, mounts: [], runtime: false, owner: false };

  it('is gone after its run', () => {
    const slot = runScript(`${open} await closeSlot(slot); console.log(JSON.stringify(slot));`);
    expect(whatIsLeft(slot)).toEqual(nothing);
  });

  it('is ended by the next set-up when its run was killed', () => {
    const slot = runScript(`${open} ${tell}`);
    expect(whatIsLeft(slot).processes).toBeGreaterThan(0);
    expect(runScript(sweep)).toBe(1);
    expect(whatIsLeft(slot)).toEqual(nothing);
  });

  it('is cleared up when it was killed with its run', () => {
    const kill = `process.kill(JSON.parse((await import('node:fs')).readFileSync(slot.daemon)).pid, 'SIGKILL');`;
    const slot = runScript(`${open} ${kill} ${tell}`);
    expect(runScript(sweep)).toBe(1);
    expect(whatIsLeft(slot)).toEqual(nothing);
  });
});
