/** The cache of BuildKit in a Docker daemon: how large it is, and making it smaller. */
import { z } from 'zod';
import type { Docker } from './docker.ts';

const usageSchema = z.object({
  BuildCache: z.array(z.object({ Size: z.number(), Shared: z.boolean().default(false) })).nullish(),
});
const prunedSchema = z.object({ SpaceReclaimed: z.number().nullish() });

/** Bytes that only the cache has; what images share with it stays with them. */
export async function buildCacheSize(docker: Docker): Promise<number> {
  const { BuildCache } = usageSchema.parse(await docker.df());
  const own = (BuildCache ?? []).filter(({ Shared }) => !Shared);
  return own.reduce((sum, { Size }) => sum + Size, 0);
}

/** Takes away what was used longest ago until `keep` bytes are left; answers how many went. */
export async function pruneBuildCache({ modem }: Docker, keep: number): Promise<number> {
  // dockerode has the call, but leaves out what it is given.
  const request = {
    path: '/build/prune?',
    method: 'POST',
    options: { 'keep-storage': keep, all: true },
    statusCodes: { 200: true, 500: 'server error' },
  };
  const answer = await new Promise((resolve, reject) => {
    modem.dial(request, (error: unknown, data: unknown) => (error ? reject(error) : resolve(data)));
  });
  return prunedSchema.parse(answer).SpaceReclaimed ?? 0;
}
