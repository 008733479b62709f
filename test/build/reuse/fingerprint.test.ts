/** The fingerprint: equal for equal parts in whatever order, and another one for any change. */
import { describe, expect, it } from 'vitest';
import {
  type FingerprintParts,
  fingerprintOf,
  isFingerprint,
} from '../../../src/build/reuse/fingerprint.ts';

const parts: FingerprintParts = {
  dockerfile: { path: 'Dockerfile', bytes: Buffer.from('FROM a\n') },
  bases: { a: 'sha256:1', b: 'sha256:2' },
  args: { X: '1', Y: '2' },
  labels: { l: '1' },
  platform: 'linux/amd64',
  builder: 'buildkit',
  context: '',
  entries: ['100644 1 a', '100644 2 b'],
};

it('is a tag of a registry that stays from one version to the next', () => {
  expect(fingerprintOf(parts)).toBe('fp-4c29d0269a22483dc5fe1f87beeab043');
  expect(isFingerprint(fingerprintOf(parts))).toBe(true);
  expect(['fp-', 'sha-012345678901', `fp-${'g'.repeat(32)}`].filter(isFingerprint)).toEqual([]);
});

it('does not depend on the order in which parts were found', () => {
  const turned = {
    ...parts,
    bases: { b: 'sha256:2', a: 'sha256:1' },
    args: { Y: '2', X: '1' },
    entries: parts.entries.toReversed(),
  };
  expect(fingerprintOf(turned)).toBe(fingerprintOf(parts));
});

describe('is another one', () => {
  it.each<[string, Partial<FingerprintParts>]>([
    ['for other bytes', { dockerfile: { path: 'Dockerfile', bytes: Buffer.from('FROM a\n\n') } }],
    ['for another place', { dockerfile: { path: 'x/Dockerfile', bytes: Buffer.from('FROM a\n') } }],
    ['for another base', { bases: { a: 'sha256:1', b: 'sha256:3' } }],
    ['for bases that changed places', { bases: { a: 'sha256:2', b: 'sha256:1' } }],
    ['for another arg', { args: { X: '1', Y: '3' } }],
    ['for an arg less', { args: { X: '1' } }],
    ['for args as labels', { args: parts.labels, labels: parts.args }],
    ['for a target', { target: 'x' }],
    ['for another platform', { platform: 'linux/arm64' }],
    ['for the other builder', { builder: 'classic' }],
    ['for another folder', { context: 'web' }],
    ['for another mode', { entries: ['100755 1 a', '100644 2 b'] }],
    ['for another id', { entries: ['100644 3 a', '100644 2 b'] }],
    ['for another name', { entries: ['100644 1 c', '100644 2 b'] }],
    ['for one more', { entries: [...parts.entries, '100644 3 c'] }],
  ])('%s', (_, change) => {
    expect(fingerprintOf({ ...parts, ...change })).not.toBe(fingerprintOf(parts));
  });
});
