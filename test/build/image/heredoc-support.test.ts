/** Which daemons read heredocs by themselves. */
import { expect, test } from 'vitest';
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
  expect(await createHeredocSupport({ docker })()).toBe(isRecent);
  const away = connectDocker('tcp://127.0.0.1:1');
  expect(await createHeredocSupport({ docker: away })()).toBe(true);
});
