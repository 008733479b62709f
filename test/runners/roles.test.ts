/** Roles by name. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseRoles, roleNames } from '../../runners/role-names.ts';
import { packageFolder } from '../../src/paths.ts';
import { startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder, newInstall, useRedis } from '../support/redis.ts';

const run = promisify(execFile);
const cli = join(packageFolder, 'dist/runners/cli.js');
const redis = useRedis();

test.each([
  [['web'], ['web']],
  [
    ['balance', 'web'],
    ['web', 'balance'],
  ],
  [
    ['build', 'build', 'watch'],
    ['build', 'watch'],
  ],
  [[...roleNames], ['web', 'build', 'deploy', 'watch', 'node', 'balance']],
])('%j are the roles %j', (names, roles) => {
  expect(parseRoles(names)).toEqual(roles);
});

test.each([[['toString']], [['web', 'constructor']], [['__proto__']], [['Web']], [['']]])(
  '%j are refused with the list of roles',
  (names) => {
    const unknown = names.at(-1);
    expect(() => parseRoles(names)).toThrow(`${unknown} is neither a command nor a role.`);
    expect(() => parseRoles(names)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(roleNames.join(', ')) }),
    );
  },
);

test('a role that shares its name with a command is started where no project is named', async () => {
  const env = { PATH: process.env['PATH'] };
  const { stderr } = await run(process.execPath, [cli, 'deploy'], { env }).catch(
    (error: { stderr: string }) => error,
  );
  expect(stderr).toContain('GITLAB_URL');
});

test('the engine runs beside a role in one process, and both end with it', async () => {
  const [engine = '', node = ''] = await freeAddresses(2);
  const data = await makeFolder();
  const roles = await startEkidenProcess({
    name: 'compute-host',
    args: ['engine', 'node'],
    data,
    settings: {
      REDIS_URL: redis.url,
      DOCKER_HOST: process.env['DOCKER_HOST'] ?? '',
      EKIDEN_DATA: data,
      EKIDEN_INSTALL: newInstall(),
      EKIDEN_ENGINE_LISTEN: engine,
      EKIDEN_NODE_LISTEN: node,
      REGISTRY_URL: 'registry.example.com',
      REGISTRY_USER: 'ekiden',
      REGISTRY_PASSWORD: 'secret',
    },
    isReady: async () => {
      const answers = await Promise.all([
        fetch(`http://${engine}/v2/info`),
        fetch(`http://${node}/instances`),
      ]);
      return answers.map(({ status }) => status).join() === '200,401';
    },
  });
  const logins = await readFile(join(data, 'engine', 'docker-config.json'), 'utf8');
  expect(Object.keys(JSON.parse(logins).auths)).toEqual(['registry.example.com']);
  expect(await roles.stop()).toBe(0);
  await expect(fetch(`http://${engine}/ping`)).rejects.toThrow('fetch failed');
});

test('the engine alone listens where its health is looked for', async () => {
  const [engine = ''] = await freeAddresses(1);
  const data = await makeFolder();
  const docker = process.env['DOCKER_HOST'] ?? '';
  const settings = { EKIDEN_ENGINE_LISTEN: engine };
  const alone = await startEkidenProcess({
    name: 'engine-alone',
    args: ['engine', '--data', data, '--install', newInstall(), '--docker', docker],
    data,
    settings,
    isReady: async () => (await fetch(`http://${engine}/ping`)).ok,
  });
  const env = { PATH: process.env['PATH'], ...settings };
  const { stdout } = await run(process.execPath, [cli, 'health', 'engine'], { env });
  expect(stdout).toBe('engine is well\n');
  expect(await alone.stop()).toBe(0);
});

test.each([
  ['--drain', 'abc', 'is no number'],
  ['--drain', '-1', 'is below 0'],
  ['--install', 'My Host', 'may hold a-z, 0-9 and - only'],
])('the engine refuses %s %s', async (option, value, problem) => {
  const data = await makeFolder();
  const args = ['engine', '--data', data, '--listen', '127.0.0.1:0', option, value];
  const ran = run(process.execPath, [cli, ...args], { timeout: 50_000 });
  await expect(ran).rejects.toMatchObject({
    code: 1,
    stderr: `ekiden: ${option} ${problem}: ${value}.\n`,
  });
});
