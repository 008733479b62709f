/** What is said of a push that a registry did not take, and why. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Running } from '../../src/build/making.ts';
import { publish } from '../../src/build/publish.ts';
import { RemoteError } from '../../src/core/errors.ts';

const words = 'received unexpected HTTP status: 500 Internal Server Error';
const image = { repository: 'r.test/app', tag: 'one', name: 'r.test/app:one' };

function publishTo(tryUpload: () => Promise<void>): Promise<unknown> {
  const push = async () => Readable.from([Buffer.from(JSON.stringify({ error: words }))]);
  const running = {
    docker: { getImage: () => ({ push }) },
    registryClient: { tryUpload },
    log: { write: () => undefined },
    signal: new AbortController().signal,
  };
  return publish(running as unknown as Running, image, undefined).catch((error) => error);
}

const full = new RemoteError('The disk of the registry r.test is full.', {
  ...{ code: 'E_REGISTRY_FULL', hint: 'Free room there.' },
});

test('Docker tells only of an error, and the registry of its full disk', async () => {
  expect(await publishTo(() => Promise.reject(full))).toMatchObject({
    ...{ code: 'E_REGISTRY_FULL', retryable: true, hint: 'Free room there.' },
    message: `The registry did not take ${image.name}: ${full.message}`,
  });
});

test.each([
  ['takes uploads', async () => undefined],
  ['does not answer', () => Promise.reject(new RemoteError('away', { code: 'E_REGISTRY' }))],
])('where the registry %s, the words of Docker stay', async (_, tryUpload) => {
  expect(await publishTo(tryUpload)).toMatchObject({
    ...{ code: 'E_REGISTRY', retryable: true },
    message: `The registry did not take ${image.name}: ${words}`,
  });
});
