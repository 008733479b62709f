/** Archives: their layout, their limit, and what can go wrong on the way. */
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archiveName } from './api/archive.ts';
import { type Rig, startRig } from './rig.ts';

it.each([
  [{ projectPath: 'shop/web', ref: 'main', sha: 'f00' }, 'web-main-f00'],
  [{ projectPath: 'a/b/c', ref: 'feature/x', sha: 'f00' }, 'c-feature-x-f00'],
  [{ projectPath: 'a/b', ref: 'f00', sha: 'f00', path: 'svc/api' }, 'b-f00-f00-svc-api'],
])('%j is called %s', (options, name) => {
  expect(archiveName(options)).toBe(name);
});

describe('GET archive', () => {
  let rig: Rig;
  let projectId: number;
  let sha: string;
  let minute: number;

  beforeEach(async () => {
    minute = 0;
    rig = await startRig({ now: () => 1_800_000_000_000 + minute * 60_000 });
    ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/web' }));
    sha = await rig.gitlab.commit(projectId, {
      branch: 'feature/x',
      message: 'one',
      files: {
        Dockerfile: 'FROM scratch\n',
        'svc/api/run': { executable: '#!/bin/sh\n' },
        'svc/api/link': { symlink: 'run' },
        'docs/big': Buffer.alloc(200_000, 'x'),
        'docs/random': Buffer.from(Array.from({ length: 50_000 }, (_, n) => (n * 7919) % 251)),
      },
    });
  });
  afterEach(async () => {
    await rig.stop();
  });

  async function fetchArchive(query: string, format = 'tar.gz'): Promise<Response> {
    return await fetch(
      `${rig.gitlab.url}/api/v4/projects/${projectId}/repository/archive.${format}${query}`,
      { headers: { 'PRIVATE-TOKEN': rig.gitlab.token } },
    );
  }

  it('puts everything into one folder named by project, ref and sha', async () => {
    const response = await fetchArchive('?sha=feature/x');
    const top = `web-feature-x-${sha}`;
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="${top}.tar.gz"`,
    );
    expect(await list(response)).toEqual([
      `directory ${top}/`,
      `file ${top}/Dockerfile`,
      `directory ${top}/docs/`,
      `file ${top}/docs/big`,
      `file ${top}/docs/random`,
      `directory ${top}/svc/`,
      `directory ${top}/svc/api/`,
      `symlink ${top}/svc/api/link`,
      `file ${top}/svc/api/run`,
    ]);
  });

  it('narrows to a path, which stays in the names', async () => {
    const top = `web-${sha}-${sha}-svc-api`;
    const names = await list(await fetchArchive(`?sha=${sha}&path=svc/api`));
    expect(names).toContain(`file ${top}/svc/api/run`);
    expect(names.join('\n')).not.toContain('Dockerfile');
  });

  it('leaves out what is excluded', async () => {
    const names = await list(await fetchArchive(`?sha=${sha}&exclude_paths=docs,svc/api/link`));
    expect(names.join('\n')).not.toMatch(/docs|link/);
    expect(names.join('\n')).toContain('svc/api/run');
  });

  it.each(['?sha=none', '?sha=feature/x&path=none', '?sha=--output=x'])(
    'answers %s with 404',
    async (query) => {
      const response = await fetchArchive(query);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ message: '404 File Not Found' });
    },
  );

  it('refuses the sixth of a minute, without a word about when to come back', async () => {
    const codes: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const response = await fetchArchive('?sha=feature/x');
      codes.push(response.status);
      await response.arrayBuffer();
    }
    expect(codes).toEqual([200, 200, 200, 200, 200]);
    const sixth = await fetchArchive('?sha=feature/x');
    expect(sixth.status).toBe(429);
    expect(sixth.headers.get('retry-after')).toBeNull();
    expect(await sixth.json()).toEqual({
      message: { error: 'This archive has been requested too many times. Try again later.' },
    });
    minute += 1;
    const later = await fetchArchive('?sha=feature/x');
    expect(later.status).toBe(200);
    await later.arrayBuffer();
  });

  it('can end early with 200, and can break off', async () => {
    const route = /archive/;
    rig.gitlab.faults.add({ route, afterBytes: 300 });
    const short = await fetchArchive('?sha=feature/x');
    expect(short.status).toBe(200);
    await expect(list(short)).rejects.toThrow(/unexpected end of file/);
    rig.gitlab.faults.add({ route, afterBytes: 300, reset: true });
    const broken = await fetchArchive('?sha=feature/x');
    await expect(broken.arrayBuffer()).rejects.toThrow(/terminated/);
    expect(await list(await fetchArchive('?sha=feature/x'))).toHaveLength(9);
  });
});

/** Type and name of every entry, in order. */
async function list(response: Response): Promise<string[]> {
  const names: string[] = [];
  const packed = Buffer.from(await response.arrayBuffer());
  const unpack = extract();
  const source = createGunzip();
  source.on('error', (error) => unpack.destroy(error));
  source.pipe(unpack);
  source.end(packed);
  for await (const entry of unpack) {
    names.push(`${entry.header.type} ${entry.header.name}`);
    entry.resume();
  }
  return names;
}
