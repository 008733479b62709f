/** What a Docker daemon says of how it asks registries. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import type { Docker } from './docker.ts';

const schema = z.object({
  RegistryConfig: z
    .object({
      IndexConfigs: z.record(z.string(), z.object({ Secure: z.boolean().default(true) })).nullish(),
      InsecureRegistryCIDRs: z.array(z.string()).nullish(),
      Mirrors: z.array(z.string()).nullish(),
    })
    .nullish(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
});

export interface RegistrySettings {
  /** True where a mirror goes before Docker Hub itself. */
  mirrorsHub: boolean;
  /** True where images lie in the store of containerd, which knows each by the digest of its manifest. */
  hasContainerdStore: boolean;
}

/** @throws where Docker does not answer. */
export async function registrySettings(docker: Pick<Docker, 'info'>): Promise<RegistrySettings> {
  const { RegistryConfig, DriverStatus } = await readInfo(docker);
  return {
    mirrorsHub: (RegistryConfig?.Mirrors ?? []).length > 0,
    hasContainerdStore: (DriverStatus ?? []).some(
      ([name, value]) => name === 'driver-type' && value === 'io.containerd.snapshotter.v1',
    ),
  };
}

/**
 * True for a registry that Docker asks without TLS: one that `insecure-registries` names, or has the address of.
 * @throws where Docker does not answer.
 */
export async function isInsecure(docker: Pick<Docker, 'info'>, host: string): Promise<boolean> {
  const { RegistryConfig } = await readInfo(docker);
  const named = RegistryConfig?.IndexConfigs?.[host];
  if (named !== undefined) return !named.Secure;
  const networks = networksOf(RegistryConfig?.InsecureRegistryCIDRs ?? []);
  const addresses = await addressesOf(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
  return addresses.some((address) => networks.check(address, familyOf(address)));
}

async function readInfo(docker: Pick<Docker, 'info'>) {
  const parsed = schema.safeParse(await docker.info());
  if (parsed.success) return parsed.data;
  throw new RemoteError('Docker says of itself what nobody can read.', {
    code: 'E_DOCKER',
    cause: parsed.error,
  });
}

function networksOf(texts: string[]): BlockList {
  const networks = new BlockList();
  for (const text of texts) {
    const [, address = '', bits] = /^(.+)\/(\d+)$/.exec(text) ?? [];
    if (isIP(address) > 0) networks.addSubnet(address, Number(bits), familyOf(address));
  }
  return networks;
}

/** None for a name that nobody knows. */
async function addressesOf(name: string): Promise<string[]> {
  if (isIP(name) > 0) return [name];
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
