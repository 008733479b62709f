/** The stand-in as a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const compiled = fileURLToPath(
  new URL('../../../dist/test/stand-ins/gitlab/main.js', import.meta.url),
);

let data: string;
let child: ChildProcessWithoutNullStreams | undefined;

beforeEach(async () => {
  data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'gitlab-main-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(data, { recursive: true, force: true });
});

it('says where it is and ends on SIGTERM', async () => {
  expect(existsSync(compiled), 'compile it first: npm run build').toBe(true);
  child = spawn(process.execPath, [compiled, '--data', data, '--version', '18.3.0']);
  const [line] = await once(createInterface(child.stdout), 'line');
  const { url, token } = JSON.parse(line);
  const headers = { 'PRIVATE-TOKEN': token };
  const version = await fetch(`${url}/api/v4/version`, { headers });
  expect(await version.json()).toMatchObject({ version: '18.3.0' });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
