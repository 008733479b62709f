/** Tests of how the lock file is read, and of the committed one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isInstalled, missingEntries } from './lock-file.js';
import { root } from './paths.js';

const platform = { os: 'linux', cpu: 'x64', libc: 'glibc' };

describe('the committed lock file', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

  it('lists the optional packages of every platform, so that npm ci works anywhere', () => {
    expect(missingEntries(lock)).toEqual([]);
  });

  it('names no registry', () => {
    const resolved = Object.values(lock.packages).filter((entry) => entry.resolved !== undefined);
    expect(resolved).toEqual([]);
  });
});

describe('missingEntries', () => {
  it('finds an optional package beside its parent or around it', () => {
    const lock = {
      packages: {
        'node_modules/a': {
          optionalDependencies: { top: '1.0.0', nested: '1.0.0', gone: '^2.0.0' },
          dev: true,
        },
        'node_modules/a/node_modules/nested': {},
        'node_modules/top': {},
        'node_modules/b/node_modules/c': { optionalDependencies: { inner: '1.0.0' } },
        'node_modules/b/node_modules/inner': {},
      },
    };
    expect(missingEntries(lock)).toEqual([['gone', '^2.0.0', true]]);
  });
});

describe('isInstalled', () => {
  const a = { version: '1.0.0', integrity: 'x' };
  const other = { version: '1.0.0', optional: true, os: ['darwin'], cpu: ['x64'] };
  const fitting = {
    version: '1.0.0',
    optional: true,
    os: ['linux'],
    cpu: ['x64'],
    libc: ['glibc'],
  };
  const excluded = { version: '1.0.0', optional: true, os: ['!linux'] };
  it.each([
    ['all of it is there', { a }, { a }, true],
    ['a package is missing', { a }, {}, false],
    ['another version is there', { a }, { a: { ...a, version: '0.9.0' } }, false],
    ['another content is there', { a }, { a: { ...a, integrity: 'y' } }, false],
    ['something is there that the lock lacks', {}, { a }, false],
    ['an optional package is for another system', { other }, {}, true],
    ['an optional package is for any system but this', { excluded }, {}, true],
    ['an optional package for this system is missing', { fitting }, {}, false],
    [
      'an optional package without a system is missing',
      { o: { version: '1.0.0', optional: true } },
      {},
      true,
    ],
  ])('%s', (_name, wanted, present, answer) => {
    const lock = { packages: { '': { version: '0.1.0' }, ...wanted } };
    expect(isInstalled(lock, { packages: present }, platform)).toBe(answer);
  });
});
