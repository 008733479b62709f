/** What a client of registries takes of their answers, how often it asks for them, and what it does not believe. */
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/clients/registry.ts';
import { manifestBytes, manifestHeaders, manifestType, open, serve } from './registry-server.ts';

describe('what was fetched', () => {
  /** Shows one image at each tag, and notes what it is asked. */
  async function store(headers: Record<string, string> = manifestHeaders) {
    const asked: string[] = [];
    const state = { isThere: true };
    const host = await serve(({ method, url = '' }, response) => {
      asked.push(`${method} ${url.split('/').slice(-2).join('/')}`);
      if (state.isThere) response.writeHead(200, headers).end(manifestBytes);
      else response.writeHead(404).end();
    });
    return { asked, state, repository: { host, path: 'a' } };
  }
  const digest = digestOf(manifestBytes);

  it('is not fetched again, since Docker Hub counts that; only that it is there is asked', async () => {
    const { asked, state, repository } = await store();
    const registry = open();
    const first = await registry.manifest(repository, 'x');
    expect(await registry.manifest(repository, 'x')).toEqual(first);
    expect(await registry.manifest(repository, digest)).toEqual(first);
    expect(asked).toEqual([
      'HEAD manifests/x',
      `GET manifests/${digest}`,
      'HEAD manifests/x',
      `HEAD manifests/${digest}`,
    ]);
    state.isThere = false;
    expect(await registry.manifest(repository, 'x')).toBeUndefined();
    expect(await registry.manifest(repository, digest)).toBeUndefined();
  });

  it('of a configuration is remembered for its own repository', async () => {
    const { asked, repository } = await store();
    const registry = open();
    for (let n = 0; n < 2; n++) await registry.config(repository, digest);
    await registry.config({ ...repository, path: 'b' }, digest);
    expect(asked).toEqual([`GET blobs/${digest}`, `GET blobs/${digest}`]);
  });

  it('tells its digest where the registry does not', async () => {
    const { asked, repository } = await store({ 'content-type': manifestType });
    expect(await open().digest(repository, 'x')).toBe(digest);
    expect(asked).toEqual(['HEAD manifests/x', 'GET manifests/x']);
  });
});

describe('tags', () => {
  it.each([
    ['goes on for ever', (page: number) => `t${page}`],
    ['repeats its first page', () => 't'],
  ])('that are too many are no list of all: one that %s', async (_, tagOf) => {
    let page = 0;
    const host = await serve((_request, response) => {
      page++;
      const tags = Array.from({ length: 10_000 }, (_one, n) => `${tagOf(page)}-${n}`);
      response.setHeader('link', '<x>; rel="next"').end(JSON.stringify({ tags }));
    });
    await expect(open().tags({ host, path: 'a' })).rejects.toMatchObject({
      code: 'E_REGISTRY',
      message: expect.stringContaining('without end'),
    });
  });

  it('come whole, however many pages they take', async () => {
    const asked: string[] = [];
    const host = await serve(({ url = '' }, response) => {
      asked.push(url);
      const isLast = url.includes('last=');
      if (!isLast) response.setHeader('link', '</v2/a/tags/list?last=t%2B2&n=2>; rel="next"');
      response.end(JSON.stringify({ name: 'a', tags: isLast ? ['t3'] : ['t1', 't+2'] }));
    });
    expect(await open().tags({ host, path: 'a' })).toEqual(['t1', 't+2', 't3']);
    expect(asked).toEqual(['/v2/a/tags/list?n=1000', '/v2/a/tags/list?n=1000&last=t%2B2']);
  });

  it('are none where a registry has forgotten them', async () => {
    const host = await serve((_, response) => response.end('{"name":"a","tags":null}'));
    expect(await open().tags({ host, path: 'a' })).toEqual([]);
  });
});

describe('an answer that nobody can read', () => {
  it.each(['<html>sign in</html>', '[]', '{"mediaType":1,"architecture":1,"tags":1}', ''])(
    '%j is told of, whatever was asked',
    async (text) => {
      const bytes = Buffer.from(text);
      const host = await serve((_, response) => response.end(bytes));
      const repository = { host, path: 'a' };
      const registry = open();
      const asked = [
        () => registry.manifest(repository, 'x'),
        () => registry.digest(repository, 'x'),
        () => registry.config(repository, digestOf(bytes)),
        () => registry.tags(repository),
      ];
      for (const ask of asked) {
        await expect(ask()).rejects.toMatchObject({
          code: 'E_REGISTRY',
          message: `The registry ${host} answers for a with what nobody can read.`,
        });
      }
    },
  );

  it('a host that cannot be is told of too', async () => {
    await expect(open().tags({ host: 'registry.test:99999', path: 'a' })).rejects.toMatchObject({
      code: 'E_REGISTRY',
    });
  });
});
