/** Tests of how missing programs are found and asked for. */
import { describe, expect, it } from 'vitest';
import { ensureDebianPackages, missingPackages, thisMachine } from './debian-packages.js';

const bare = {
  dockerAnswers: false,
  program: () => false,
  file: () => false,
  library: () => false,
};
const full = { dockerAnswers: false, program: () => true, file: () => true, library: () => true };

describe('missingPackages', () => {
  it.each([
    ['a bare machine lacks all', bare, 10],
    ['a full machine lacks none', full, 0],
    [
      'a Docker that answers needs no daemon',
      { ...full, dockerAnswers: true, program: (name) => name !== 'dockerd' },
      0,
    ],
    [
      'nginx without Lua lacks three',
      { ...full, file: (_, name) => name === 'ca-certificates.crt', library: () => false },
      3,
    ],
  ])('%s', (_name, machine, count) => {
    expect(missingPackages(machine)).toHaveLength(count);
  });

  const fragments = ['default-jre-headless', 'tomcat10-user', 'python3-venv'];
  it.each([
    ['demo', true, []],
    ['bench', true, ['chromium']],
    ['test', false, ['chromium', ...fragments]],
    ['test', true, ['docker-compose', 'chromium', ...fragments]],
  ])('asks for what a %s needs, as root: %s', (kind, isRoot, wanted) => {
    const common = missingPackages(bare);
    const missing = missingPackages(bare, { kind, isRoot });
    expect(missing.filter((name) => !common.includes(name))).toEqual(wanted);
  });

  it('finds the programs of this machine, which the tests need', () => {
    const isRoot = process.getuid() === 0;
    expect(missingPackages(thisMachine(true), { kind: 'test', isRoot })).toEqual([]);
  });
});

describe('ensureDebianPackages', () => {
  const isAbsent = (name) => name === 'git' || name === 'nginx';
  it('tells a plain user the command', async () => {
    const machine = { ...full, program: (name) => !isAbsent(name) };
    await expect(ensureDebianPackages({ machine, isRoot: false })).rejects.toMatchObject({
      message:
        'nginx-light, git missing: sudo apt-get install -y --no-install-recommends nginx-light git',
      exitCode: 3,
    });
  });

  it('says what is missing where there is no apt-get', async () => {
    const machine = { ...full, program: (name) => !isAbsent(name) && name !== 'apt-get' };
    await expect(ensureDebianPackages({ machine, isRoot: true })).rejects.toThrow(
      /nginx-light, git .*package manager/,
    );
  });
});
