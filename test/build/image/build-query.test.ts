/** What Docker is asked for: by POST /build, and in the labels of an image. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type BuildImageOptions, toQuery } from '../../../src/build/image/build-query.ts';
import { imageLabels } from '../../../src/build/image/labels.ts';
import type { Docker } from '../../../src/clients/docker.ts';
import type { Fragment } from '../../../src/core/build.ts';

const daemon = (...networks: string[]) =>
  ({ listNetworks: async () => networks.map((Name) => ({ Name })) }) as unknown as Docker;

const options: BuildImageOptions = {
  docker: daemon('bridge'),
  context: { stream: Readable.from([]), dockerfile: 'docker/Dockerfile' },
  dockerfile: { bytes: Buffer.from(''), map: [] },
  ...{ name: 'r.test/a:one', args: { TEAM: 'web' }, labels: { 'ekiden.project': '7' } },
  onStep: () => undefined,
  signal: new AbortController().signal,
};

describe('the query of a build', () => {
  it('limits memory, swap included, and processors of the classic builder alone', async () => {
    const limited = { ...options, limits: { memory: 512, cpus: 1.5 } };
    const bytes = 512 * 1024 * 1024;
    expect(await toQuery('classic', limited)).toMatchObject({
      ...{ version: '1', memory: bytes, memswap: bytes, cpuperiod: 100_000, cpuquota: 150_000 },
    });
    const ignored = ['memory', 'memswap', 'cpuperiod', 'cpuquota'];
    for (const query of [await toQuery('buildkit', limited), await toQuery('classic', options)]) {
      expect(Object.keys(query).filter((key) => ignored.includes(key))).toEqual([]);
    }
  });

  it.each(['classic', 'buildkit'] as const)(
    'has what the manifest says, by %s',
    async (builder) => {
      const asked = {
        ...options,
        target: 'last',
        platform: 'linux/arm64',
        cacheFrom: ['r.test/a:b'],
      };
      expect(await toQuery(builder, asked)).toMatchObject({
        ...{ t: 'r.test/a:one', dockerfile: 'docker/Dockerfile', target: 'last' },
        ...{ platform: 'linux/arm64', cachefrom: '["r.test/a:b"]', labels: options.labels },
        ...{ buildargs: { TEAM: 'web' }, rm: true, forcerm: true },
      });
      expect(await toQuery(builder, { ...options, noCache: true })).toMatchObject({
        nocache: true,
      });
    },
  );

  it('names the network of the host where the daemon has no bridge', async () => {
    expect(await toQuery('classic', options)).not.toHaveProperty('networkmode');
    const bare = { ...options, docker: daemon('host') };
    expect(await toQuery('buildkit', bare)).toMatchObject({ networkmode: 'host' });
  });
});

describe('the labels of an image', () => {
  const template = (name: string, version: string): Fragment => ({
    ...{ source: `template:${name}`, file: `template:${name}@${version}`, sha256: '0' },
    template: { name, version },
  });
  const file: Fragment = { source: './a', file: 'a', sha256: '0' };

  it('name the project and its templates, each once, and no file or commit', () => {
    const fragments = [template('node', '20.1.0'), file, template('java', '1.0.0'), file];
    expect(
      imageLabels({ install: 'one', project: 7, fragments: [...fragments, ...fragments] }),
    ).toEqual({
      ...{ 'ekiden.install': 'one', 'ekiden.project': '7' },
      'ekiden.fragments': 'java@1.0.0,node@20.1.0',
    });
  });

  it('leave the templates out where there are none, or very many', () => {
    const many = Array.from({ length: 200 }, (_, index) => template('node', `${index}.0.0`));
    for (const fragments of [[], [file], many]) {
      const labels = imageLabels({ install: 'one', project: 7, fragments });
      expect(labels).toEqual({ 'ekiden.install': 'one', 'ekiden.project': '7' });
    }
  });
});
