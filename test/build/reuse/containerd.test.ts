/** What an image store of containerd's kind changes: lists in the registry, and ids that are digests of manifests. */
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Running } from '../../../src/build/making.ts';
import { cacheSources } from '../../../src/build/reuse/cache-sources.ts';
import { findMade } from '../../../src/build/reuse/reuse.ts';
import { digestOf, type Manifest } from '../../../src/clients/registry.ts';

const configBytes = Buffer.from('{}');
const image = manifestOf('application/vnd.oci.image.manifest.v1+json', {
  config: { digest: digestOf(configBytes) },
});
const attestation = { platform: { os: 'unknown', architecture: 'unknown' }, digest: 'sha256:x' };
const list = manifestOf('application/vnd.oci.image.index.v1+json', {
  manifests: [
    { platform: { os: 'linux', architecture: 'amd64' }, digest: image.digest },
    attestation,
  ],
});
const repository = 'registry.test:5000/shop/cart';
const log: string[] = [];
const pull = vi.fn(async () => Readable.from([]));
beforeEach(() => {
  log.length = 0;
  pull.mockClear();
});

function manifestOf(mediaType: string, content: object): Manifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }));
  return { mediaType, bytes, digest: digestOf(bytes) };
}

/** A build whose registry has the list at each tag, on a Docker that has an image of this id. */
function running(id = ''): Running {
  return {
    build: { project: 1, ref: 'refs/heads/main' },
    builder: 'buildkit',
    registryLogin: { username: 'ekiden', password: 'x' },
    log: { write: (text: string) => void log.push(text) },
    signal: new AbortController().signal,
    gitlab: { project: async () => ({ defaultBranch: 'main' }) },
    docker: { getImage: () => ({ inspect: async () => ({ Id: id }) }), pull },
    registryClient: {
      manifest: async (_: unknown, reference: string) =>
        reference === image.digest ? image : list,
      config: async () => ({ exposedPorts: ['8080/tcp', '53/udp'] }),
    },
  } as unknown as Running;
}

describe('a list of one image and what attests it', () => {
  const name = { repository, tag: 'sha-0', name: `${repository}:sha-0` };
  const madeOn = { builder: 'buildkit' as const, bases: {} };

  it('is found as a whole, with the ports of the image of the platform', async () => {
    const fingerprint = { tag: 'fp-0', madeOn: { ...madeOn, platform: 'linux/amd64' } };
    expect(await findMade(running(), name, fingerprint)).toEqual({ manifest: list, ports: [8080] });
  });

  it('is none for another platform', async () => {
    const fingerprint = { tag: 'fp-0', madeOn: { ...madeOn, platform: 'linux/arm64' } };
    expect(await findMade(running(), name, fingerprint)).toBeUndefined();
  });
});

describe('layers of an image whose id is the digest of its manifest', () => {
  it('are not fetched where it is here', async () => {
    expect(await cacheSources(running(list.digest), { repository })).toEqual([
      `${repository}:main`,
    ]);
    expect([pull.mock.calls, log]).toEqual([[], []]);
  });

  it('are fetched where another one is', async () => {
    await cacheSources(running(image.digest), { repository });
    expect(pull).toHaveBeenCalledOnce();
    expect(log).toEqual([`fetching ${repository}:main for its layers\n`]);
  });
});
