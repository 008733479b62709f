/** Which builder a daemon has, by what it says of itself. */
import { describe, expect, it } from 'vitest';
import { builderOf, chooseBuilder } from '../../../src/build/image/builder-choice.ts';
import { connectDocker } from '../../../src/clients/docker.ts';

describe('builderOf', () => {
  const recent = { 'api-version': '1.41', ostype: 'linux' };
  it.each([
    ['it builds with BuildKit by itself', { ...recent, 'builder-version': '2' }, 'buildkit'],
    ['its configuration has none', { ...recent, 'builder-version': '1' }, 'classic'],
    ['it leaves the choice', recent, 'buildkit'],
    ['the header is empty', { ...recent, 'builder-version': '' }, 'buildkit'],
    ['it came before BuildKit', { ...recent, 'api-version': '1.38' }, 'classic'],
    ['it is of a later count', { ...recent, 'api-version': '2.0' }, 'buildkit'],
    ['it is Podman', { ...recent, 'libpod-api-version': '4.3.1' }, 'classic'],
    ['it runs on Windows', { ...recent, ostype: 'windows' }, 'classic'],
    ['it says nothing', {}, 'classic'],
  ])('where %s', (_, headers, builder) => {
    expect(builderOf(headers)).toBe(builder);
  });
});

describe('chooseBuilder', () => {
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const { signal } = new AbortController();

  it('asks the daemon', async () => {
    expect(await chooseBuilder({ docker, signal })).toBe('buildkit');
    expect(await chooseBuilder({ docker, signal, builder: 'auto' })).toBe('buildkit');
  });

  it('asks nobody where it is decided', async () => {
    const away = { docker: connectDocker('tcp://127.0.0.1:1'), signal };
    expect(await chooseBuilder({ ...away, builder: 'classic' })).toBe('classic');
    expect(await chooseBuilder({ ...away, builder: 'buildkit' })).toBe('buildkit');
    await expect(chooseBuilder(away)).rejects.toThrow('ECONNREFUSED');
  });
});
