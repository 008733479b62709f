/** A registry that lets nobody in without a login, with an image that is not on the Docker host. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { keepChild } from '../../src/embedded/child.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { busybox, docker } from './harness.ts';

/** bcrypt of the password below, the only form that docker-registry reads. */
const HTPASSWD = 'ada:$2b$04$C4xPrRKQ7F2muHFqa2kzhu54lY/NccsgeryNuxSLQ5j3Gpiohzrfu\n';

export const LOGIN = { username: 'ada', password: 'open-sesame-42' };

export interface PrivateRegistry {
  host: string;
  image: string;
  digest: string;
  /** A config.json of Docker with the login. */
  config: string;
  /** Takes the image from the Docker host, so that the next use has to pull it. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPrivateRegistry(): Promise<PrivateRegistry> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'private-'));
  const [host = ''] = await freeAddresses(1);
  await writeFile(join(data, 'htpasswd'), HTPASSWD);
  const file = join(data, 'registry.json');
  const configuration = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(data, 'data') } },
    http: { addr: host },
    auth: { htpasswd: { realm: 'private', path: join(data, 'htpasswd') } },
  };
  await writeFile(file, JSON.stringify(configuration));
  const registry = await keepChild({
    ...{ name: 'private-registry', command: 'docker-registry', args: ['serve', file], data },
    ...{ env: childEnvironment(), hint: 'Install docker-registry.', log: silent },
    isReady: async () => (await fetch(`http://${host}/v2/`)).status === 401,
  });
  const image = `${host}/team/private:1`;
  const digest = await push(host);
  const forget = async () => {
    for (const name of [image, `${host}/team/private@${digest}`]) {
      await docker
        .getImage(name)
        .remove()
        .catch(() => undefined);
    }
  };
  await forget();
  const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
  return {
    ...{ host, image, digest, forget },
    config: JSON.stringify({ auths: { [host]: { auth } } }),
    stop: async () => {
      await forget();
      await registry.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function push(host: string): Promise<string> {
  const repo = `${host}/team/private`;
  await docker.getImage(busybox).tag({ repo, tag: '1' });
  const authconfig = { ...LOGIN, serveraddress: host };
  const progress = await docker.getImage(`${repo}:1`).push({ authconfig });
  const told = await new Promise<{ aux?: { Digest?: string } }[]>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null, lines) =>
      error ? reject(error) : resolve(lines),
    );
  });
  return told.find(({ aux }) => aux?.Digest)?.aux?.Digest ?? '';
}
