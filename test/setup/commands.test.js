/** Tests of what the commands print when the set-up is impossible. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './paths.js';

function runCommand(name, ...args) {
  const env = { ...process.env, XDG_CACHE_HOME: '/dev/null' };
  const options = { cwd: root, env, encoding: 'utf8', timeout: 60_000 };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'test/setup', name), ...args],
    options,
  );
  return { status, stderr, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

const reason =
  /^ekiden: the cache folder \/dev\/null\/ekiden cannot be made .*: set XDG_CACHE_HOME to/m;

describe('on a machine where the set-up is impossible', () => {
  it('the demo says why, and with --once reports it as JSON', () => {
    const { status, stderr, lastLine } = runCommand('demo.js', '--once');
    expect(stderr).toMatch(reason);
    expect(status).toBe(3);
    expect(JSON.parse(lastLine)).toEqual({
      ok: false,
      error: expect.stringContaining('XDG_CACHE_HOME'),
    });
  });

  it('the tests say why, and count one failure', () => {
    const { status, stderr, lastLine } = runCommand('test.js');
    expect(stderr).toMatch(reason);
    expect({ status, lastLine }).toEqual({ status: 3, lastLine: '0 passed, 1 failed' });
  });
});
