/** Which registries a Docker daemon asks without TLS. */
import { z } from 'zod';
import type { Docker } from './docker.ts';

const schema = z.object({
  RegistryConfig: z
    .object({
      IndexConfigs: z.record(z.string(), z.object({ Secure: z.boolean().default(true) })).nullish(),
    })
    .nullish(),
});

/** True for one that `insecure-registries` of the daemon names; false also where Docker does not answer. */
export async function isInsecure(docker: Pick<Docker, 'info'>, host: string): Promise<boolean> {
  const info: unknown = await docker.info().catch(() => ({}));
  const { RegistryConfig } = schema.catch({}).parse(info);
  return RegistryConfig?.IndexConfigs?.[host]?.Secure === false;
}
