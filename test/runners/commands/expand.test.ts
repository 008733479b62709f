/** `ekiden expand` as people run it: what goes to which output, and how it ends. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../../src/paths.ts';
import { startGitLab } from '../../stand-ins/gitlab/gitlab.ts';
import { makeFolder } from '../../support/redis.ts';

const cli = join(packageFolder, 'dist/runners/cli.js');

const tree = mkdtempSync(join(tmpdir(), 'ekiden-expand-'));
afterAll(() => rmSync(tree, { recursive: true }));
let sha: string;

beforeAll(() => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: tree,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null' },
    });
  write({
    'web/Dockerfile': 'INCLUDE ../docker/base\nINCLUDE template:logs\n',
    'docker/base.dockerfile': Buffer.from('FROM a\r\n# \xff\r\n', 'latin1'),
    'web/wrong': 'FROM a\n  INCLUDE nowhere\n',
    'web/other': 'INCLUDE project:platform/docker:base\n',
    'web/args': 'ARG KIND\nARG PLACE\nINCLUDE $KIND-$PLACE\nINCLUDE "sha-$EKIDEN_SHA"\n',
    'web/x-y': 'RUN xy\n',
    'web/large': `FROM a\n${'# a line of some length\n'.repeat(20_000)}`,
    '.ekiden.yml': 'build: { args: { KIND: z, PLACE: y } }\n',
  });
  git('init', '--quiet', '--initial-branch=trunk');
  git('add', '.');
  git('commit', '--quiet', '-m', 'x');
  git('remote', 'add', 'origin', 'git@gitlab.test:shop/web.git');
  sha = git('rev-parse', 'HEAD').trim();
});

function write(files: Record<string, string | Buffer>) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
}

interface Ended {
  code: unknown;
  stdout: Buffer;
  stderr: string;
}

function run(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'], ...environment };
  const options = { cwd: tree, env, encoding: 'buffer', timeout: 30_000 } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, 'expand', ...args], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr: stderr.toString() }),
    );
  });
}

test('prints the bytes as they are, and warnings beside them', async () => {
  const { code, stdout, stderr } = await run(['web/Dockerfile']);
  expect(code).toBe(0);
  expect(stdout.subarray(0, 13).toString('latin1')).toBe('FROM a\r\n# \xff\r\n');
  expect(stderr).toMatch(/^warning W_UNPINNED: template:logs .*\n +--> web\/Dockerfile:2:9\n/);
});

test('with --map, one JSON object, in Base64 where the bytes are no text', async () => {
  const { code, stdout } = await run(['--map', 'web/Dockerfile']);
  const { text, ...rest } = JSON.parse(stdout.toString());
  expect(code).toBe(0);
  expect(Object.keys(rest)).toEqual(['encoding', 'lines']);
  expect(Buffer.from(text, 'base64').subarray(0, 13).toString('latin1')).toBe(
    'FROM a\r\n# \xff\r\n',
  );
  expect(rest.encoding).toBe('base64');
  expect(rest.lines[0]).toEqual({ file: 'docker/base.dockerfile', line: 1, count: 2 });
  expect(rest.lines[1].file).toMatch(/^template:logs@/);
  const plain = JSON.parse(
    (await run(['docker/base.dockerfile', '--map', '--root', 'docker'])).stdout.toString(),
  );
  expect(plain.lines).toEqual([{ file: 'base.dockerfile', line: 1, count: 2 }]);
});

test('an error stands beside nothing, with its place and a hint, and the exit code is 1', async () => {
  const { code, stdout, stderr } = await run(['web/wrong']);
  expect([code, stdout.length]).toEqual([1, 0]);
  expect(stderr).toBe(
    [
      'error E_NOT_FOUND: web/nowhere is not in the repository at this commit',
      ' --> web/wrong:2:11',
      '1 | FROM a',
      '2 |   INCLUDE nowhere',
      '  |           ^^^^^^^',
      '  hint: Is the file committed? Paths are relative to the file with the INCLUDE; /… starts at the root.\n',
    ].join('\n'),
  );
  const missing = await run(['web/none']);
  expect([missing.code, missing.stdout.length]).toEqual([1, 0]);
  expect(missing.stderr).toMatch(/^ekiden: there is no file web\/none\nName the Dockerfile/);
});

test('other projects are read as the token may', async () => {
  const without = await run(['web/other']);
  expect(without.code).toBe(1);
  expect(without.stderr).toContain(
    'error E_PROJECT_ACCESS: files of other projects cannot be read',
  );
  expect(without.stderr).toContain('Set GITLAB_URL, and GITLAB_TOKEN to a token');

  const gitlab = await startGitLab({ data: await makeFolder() });
  onTestFinished(() => gitlab.stop());
  const { id: projectId } = await gitlab.createProject({ path: 'platform/docker' });
  const files = { base: 'FROM other\nINCLUDE near\n', near: 'RUN near\n' };
  await gitlab.commit(projectId, { branch: 'main', message: 'x', files });
  const member = gitlab.createUser({ username: 'ada', projectId, accessLevel: 20 });
  const stranger = gitlab.createUser({ username: 'bob' });
  const as = (token: string) => run(['web/other'], { GITLAB_URL: gitlab.url, GITLAB_TOKEN: token });
  expect(await as(member.token)).toEqual({
    ...{ code: 0, stdout: Buffer.from('FROM other\nRUN near\n'), stderr: '' },
  });
  const refused = await as(stranger.token);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('platform/docker does not exist, or the owner of GITLAB_TOKEN');
  gitlab.faults.add({ route: /files\/near/, status: 500, body: { message: 'broken' } });
  const broken = await as(member.token);
  expect([broken.code, broken.stdout.length]).toEqual([1, 0]);
  expect(broken.stderr).toMatch(/^error E_FETCH: GitLab, asked for near at /);
});

test('variables come from --arg, the manifest and git', async () => {
  write({ [`web/sha-${sha}`]: 'RUN sha\n' });
  const { code, stdout, stderr } = await run(['web/args', '--arg', 'KIND=x']);
  expect({ code, stderr, text: stdout.toString() }).toEqual({
    ...{ code: 0, stderr: '', text: 'ARG KIND\nARG PLACE\nRUN xy\nRUN sha\n' },
  });
  expect((await run(['web/args', '--arg', 'KIND'])).code).toBe(1);
});

test('what the settings say of INCLUDE holds here as for a build', async () => {
  write({ 'web/twice': 'INCLUDE "x-y"\nINCLUDE "x-y"\n' });
  const one = await run(['web/twice'], { EKIDEN_INCLUDE_FILES: '1' });
  expect([one.code, one.stderr]).toEqual([1, expect.stringContaining('error E_COUNT: ')]);
  const built = await run(['web/args'], { EKIDEN_BUILD_ARGS: 'KIND=b,PLACE=b' });
  expect(built.stderr).toContain('E_NOT_FOUND: web/z-y is not');
  const wrong = await run(['web/twice'], { EKIDEN_INCLUDE_DEPTH: 'deep' });
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('EKIDEN_INCLUDE_DEPTH')]);
});

test('a reader that has had enough is no error', async () => {
  const child = spawn(process.execPath, [cli, 'expand', 'web/large'], { cwd: tree });
  let complaints = '';
  child.stdout.once('data', () => child.stdout.destroy());
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const [code] = await once(child, 'exit');
  expect([code, complaints]).toEqual([0, '']);
});
