/** What Docker says of registries, read from the answers of its versions. */
import { describe, expect, it } from 'vitest';
import { isInsecure, registrySettings } from '../../src/clients/docker-registries.ts';

const dockerOf = (info: unknown) => ({ info: async () => info });

describe('without TLS', () => {
  const docker = dockerOf({
    RegistryConfig: {
      IndexConfigs: {
        'docker.io': { Secure: true },
        'registry.example.com:5000': { Secure: false },
        '10.1.2.3:443': { Secure: true },
      },
      InsecureRegistryCIDRs: ['127.0.0.0/8', '10.0.0.0/8', '::1/128', 'fd00::/8', 'x', '9.0.0.0'],
    },
  });

  it.each([
    ['registry.example.com:5000', true],
    ['registry.example.com', false],
    ['docker.io', false],
    ['10.9.9.9:5000', true],
    ['10.1.2.3:443', false],
    ['11.0.0.1:5000', false],
    ['[fd00::7]:5000', true],
    ['[fe80::7]:5000', false],
    ['localhost:5000', true],
    ['no-such-name.invalid:5000', false],
  ])('%s is asked: %s', async (host, isPlain) => {
    expect(await isInsecure(docker, host)).toBe(isPlain);
  });

  it('nothing is said while Docker is away', async () => {
    const away = { info: async () => Promise.reject(new Error('ECONNREFUSED')) };
    await expect(isInsecure(away, 'a:1')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('settings', () => {
  const containerd = ['driver-type', 'io.containerd.snapshotter.v1'];
  it.each([
    [{}, { mirrorsHub: false, hasContainerdStore: false }],
    [
      { RegistryConfig: null, DriverStatus: null },
      { mirrorsHub: false, hasContainerdStore: false },
    ],
    [
      { RegistryConfig: { Mirrors: [] }, DriverStatus: [['Backing Filesystem', 'extfs']] },
      { mirrorsHub: false, hasContainerdStore: false },
    ],
    [
      { RegistryConfig: { Mirrors: ['https://mirror.test/'] }, DriverStatus: [containerd] },
      { mirrorsHub: true, hasContainerdStore: true },
    ],
  ])('%j', async (info, settings) => {
    expect(await registrySettings(dockerOf(info))).toEqual(settings);
  });

  it('that nobody can read are no settings', async () => {
    await expect(registrySettings(dockerOf({ DriverStatus: 'x' }))).rejects.toMatchObject({
      code: 'E_DOCKER',
    });
  });
});
