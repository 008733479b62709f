/** Which daemons read heredocs by themselves. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createHeredocSupport, readsHeredocs } from '../../../src/build/image/heredoc-support.ts';
import { connectDocker } from '../../../src/clients/docker.ts';

test.each<
  [name: string, headers: Record<string, string>, builder: 'auto' | 'classic', want: boolean]
>([
  ['20.10', { 'api-version': '1.41', ostype: 'linux' }, 'auto', false],
  ['23.0', { 'api-version': '1.42', 'builder-version': '2' }, 'auto', true],
  ['28', { 'api-version': '1.50', 'builder-version': '2' }, 'auto', true],
  ['a later count', { 'api-version': '2.0', 'builder-version': '2' }, 'auto', true],
  [
    '28 with the classic builder',
    { 'api-version': '1.50', 'builder-version': '2' },
    'classic',
    false,
  ],
  ['28 without BuildKit', { 'api-version': '1.50', 'builder-version': '1' }, 'auto', false],
  ['Podman', { 'api-version': '1.41', 'libpod-api-version': '4.3.1' }, 'auto', true],
])('%s', (_name, headers, builder, want) => {
  expect(readsHeredocs(headers, builder)).toBe(want);
});

test('asks the daemon, and takes silence for support', async () => {
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const { ApiVersion } = await docker.version();
  const isRecent = Number(ApiVersion.split('.')[1]) >= 42;
  // A daemon that is busy may take longer than who only warns waits for it.
  expect(await createHeredocSupport({ docker, patience: 25_000 })()).toBe(isRecent);
  const away = connectDocker('tcp://127.0.0.1:1');
  expect(await createHeredocSupport({ docker: away })()).toBe(true);
});

test('lets go of a daemon that hangs', async () => {
  const connections = new Set<Socket>();
  const hanging = createServer((socket) => {
    connections.add(socket.on('close', () => connections.delete(socket)).resume());
  });
  await new Promise<void>((done) => hanging.listen(0, '127.0.0.1', done));
  onTestFinished(() => void hanging.close());
  const { port } = hanging.address() as AddressInfo;
  const docker = connectDocker(`tcp://127.0.0.1:${port}`);
  expect(await createHeredocSupport({ docker, patience: 50 })()).toBe(true);
  await expect.poll(() => connections.size).toBe(0);
});
