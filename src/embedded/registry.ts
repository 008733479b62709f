/** The private Docker registry on loopback. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, keepChild } from './child.ts';
import type { EmbeddedOptions } from './redis.ts';
import { collectGarbage } from './registry-garbage.ts';

/** Answered with every request, so that another registry on the port is not taken for this one. */
const markHeader = 'x-ekiden-registry';

/** Starts docker-registry at `listen` (host:port). */
export async function startRegistry(
  options: EmbeddedOptions & { listen: string; install: string },
): Promise<Child> {
  const { data, env, listen, install, log, abandon } = options;
  const folder = join(data, 'registry');
  await mkdir(folder, { recursive: true });
  const mark = createHash('sha256').update(`${install} ${data}`).digest('hex').slice(0, 32);
  const secret = randomBytes(32).toString('hex');
  const file = join(folder, 'registry.json');
  // JSON is YAML too, and needs no quoting rules.
  const text = JSON.stringify(configuration({ folder, listen, mark, secret }), null, 2);
  await rm(file, { force: true });
  await writeFile(file, text, { mode: 0o600 });
  await collectGarbage(options, file);
  return keepChild({
    name: 'registry',
    command: 'docker-registry',
    args: ['serve', file],
    env,
    data,
    async isReady() {
      const answer = await fetch(`http://${listen}/v2/`, { signal: AbortSignal.timeout(1_000) });
      return answer.headers.get(markHeader) === mark;
    },
    hint: `Install it with: apt-get install docker-registry, and see that ${listen} is free. Or set REGISTRY_URL.`,
    log,
    abandon,
  });
}

/** Far more than a layer takes that is still on its way. */
const uploadAge = '2h';

interface Configuration {
  folder: string;
  listen: string;
  mark: string;
  /** Signs the state of an upload, which clients hold; unlike the mark it is told to nobody. */
  secret: string;
}

function configuration({ folder, listen, mark, secret }: Configuration) {
  return {
    version: 0.1,
    log: { level: 'warn' },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
      // A push that broke off, as on a full disk, otherwise keeps its bytes for a week.
      maintenance: {
        uploadpurging: { enabled: true, age: uploadAge, interval: '1h', dryrun: false },
      },
    },
    http: { addr: listen, secret, headers: { [markHeader]: [mark] } },
  };
}
