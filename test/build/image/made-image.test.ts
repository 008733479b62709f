/** What is asked of a Docker daemon that is away just then. */
import { expect, it } from 'vitest';
import {
  exposedPorts,
  imageId,
  refuseOtherPlatform,
  tagImage,
} from '../../../src/build/image/made-image.ts';
import { connectDocker, type Docker } from '../../../src/clients/docker.ts';
import { freePort } from '../../demo/free-ports.ts';

it.each<[string, (docker: Docker) => Promise<unknown>]>([
  ['the id of an image', (docker) => imageId(docker, 'a')],
  ['its ports', (docker) => exposedPorts(docker, 'a')],
  ['its platform', (docker) => refuseOtherPlatform(docker, 'a', 'linux/amd64')],
  ['another name for it', (docker) => tagImage(docker, 'a', { repo: 'b', tag: 'c' })],
])('%s may be asked again', async (_, ask) => {
  const docker = connectDocker(`tcp://127.0.0.1:${await freePort()}`);
  await expect(ask(docker)).rejects.toMatchObject({
    ...{ code: 'E_DOCKER', retryable: true },
    message: expect.stringContaining('ECONNREFUSED'),
  });
});
