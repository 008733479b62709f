/** What images hold, and logs say, of contexts that are sent in part: real Docker, and the stand-in GitLab. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createArchiveCache } from '../../../src/build/archives/archive-cache.ts';
import { createArchives } from '../../../src/build/archives/archives.ts';
import { createGitLabSource } from '../../../src/build/archives/gitlab-source.ts';
import { type BuilderOptions, createBuilder } from '../../../src/build/builder.ts';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import { createRegistry } from '../../../src/clients/registry.ts';
import { silent } from '../../../src/core/log.ts';
import type { FileContent } from '../../stand-ins/gitlab/gitlab.ts';
import { textOfLog } from '../../support/build-logs.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { type Host, type Rig, startHost } from '../rig.ts';

let buildHost: BuildHost;
let host: Host;
let rig: Rig;
/** Paths of the archives that GitLab was asked for. */
let asked: string[];

beforeAll(async () => {
  buildHost = await startBuildHost();
  host = await startHost({ archivesPerMinute: 5 });
});
afterAll(async () => {
  await host.stop();
  await buildHost.stop();
});
beforeEach(async () => {
  rig = await host.fresh();
  asked = [];
});

function build(id: string, change: Partial<BuilderOptions> = {}) {
  const gitlab = {
    ...rig.client,
    archive: (project: number, options: { sha: string; path?: string }) => {
      asked.push(options.path ?? '');
      return rig.client.archive(project, options);
    },
  };
  const builder = createBuilder({
    ...{ ...rig.stores, gitlab, docker: buildHost.docker, args: {}, timeout: 60 },
    logs: createBuildLogs(rig.stores.buildLogStore),
    registry: buildHost.registry,
    registryClient: createRegistry(),
    exclusively: rig.stores.locks.exclusively,
    install: buildHost.install,
    ...change,
  });
  const { signal } = new AbortController();
  return builder.build(id, async () => undefined, { signal, first: true, last: true });
}

/** Pushes and resolves; a Dockerfile gets its base from here. */
async function resolved(id: string, lines: string, files: Record<string, FileContent>) {
  const Dockerfile = `${buildHost.from}\n${lines}\nRUN find /app | sort > /list; cat /list\n`;
  const sha = await rig.commit({ Dockerfile, ...files });
  await rig.resolve(rig.push(id, sha));
  // A step that is not run prints nothing.
  await rig.stores.builds.update(id, { noCache: true });
  return sha;
}

const logOf = (id: string) => textOfLog(rig.stores.buildLogStore, id);

/** All below /app in the image, as the last step lists it. */
async function filesIn(id: string): Promise<string[]> {
  const lines = (await logOf(id)).matchAll(/\/app\/(\S+)$/gm);
  return [...new Set([...lines].map(([, path = '']) => path))].sort();
}

const pushed = (id: string) => [{ type: 'image.pushed', build: id }];

describe.each(['classic', 'buildkit'] as const)('with %s', (builder) => {
  it('leaves out what .dockerignore says', async () => {
    await resolved('b1', 'COPY . /app', {
      '.dockerignore': '*.md\n!README.md\nnode_modules\nDockerfile\n.dockerignore\n',
      ...{ 'a.md': '', 'README.md': '', 'node_modules/x/i.js': '', 'src/a.ts': builder },
    });
    expect(await build('b1', { builder })).toEqual(pushed('b1'));
    const files = await filesIn('b1');
    expect(files.filter((path) => !/Dockerfile|dockerignore/.test(path))).toEqual([
      ...['README.md', 'src', 'src/a.ts'],
    ]);
    // The classic builder takes these two out by itself.
    expect(files.includes('Dockerfile')).toBe(builder === 'buildkit');
  });

  it('explains why Docker does not find what the commit has', async () => {
    await resolved('b1', 'COPY lib /lib\nCOPY vendor/x.js /app/', {
      '.dockerignore': 'vendor\n',
      ...{ 'vendor/x.js': builder, 'lib/a': '' },
    });
    expect(await build('b1', { builder })).toMatchObject([{ type: 'build.failed' }]);
    expect((await rig.endOf('b1')).reason).toMatch(
      /^Dockerfile:4: .* \(\.dockerignore leaves it out\)$/s,
    );
  });
});

describe('what is sent', () => {
  it('lets the ignore file of the Dockerfile go before that of the context', async () => {
    await resolved('b1', 'COPY . /app', {
      '.dockerignore': '*.txt\n',
      'Dockerfile.dockerignore': '*.md\n',
      ...{ 'a.md': '', 'b.txt': 'x' },
    });
    expect(await build('b1')).toEqual(pushed('b1'));
    const files = await filesIn('b1');
    expect(files).toContain('b.txt');
    expect(files).not.toContain('a.md');
  });

  it('sends, and asks for, the one folder that the Dockerfile names', async () => {
    await resolved('b1', 'COPY services/web /app', {
      ...{ 'services/web/a': 'x', 'services/api/b': '', 'large/c': 'x'.repeat(100_000) },
    });
    expect(await build('b1')).toEqual(pushed('b1'));
    expect(await filesIn('b1')).toEqual(['a']);
    expect(asked).toEqual(['services/web']);
  });

  it('sends what links lead to', async () => {
    await resolved('b1', 'COPY web/a /app/', {
      ...{ 'services/web/a': 'x', web: { symlink: 'services/web' } },
    });
    expect(await build('b1')).toEqual(pushed('b1'));
    expect(await filesIn('b1')).toEqual(['a']);
    expect(asked).toEqual(['']);
  });
});

describe('the log', () => {
  it('names submodules, content of LFS and what export-ignore keeps out', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`;
    await resolved('b1', 'COPY docs /docs\nCOPY . /app', {
      '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib.git\n',
      '.gitattributes': 'docs export-ignore\n',
      'vendor/lib': { submodule: 'a'.repeat(40) },
      ...{ 'assets/big.bin': pointer, 'docs/a': '', a: '' },
    });
    await build('b1');
    const log = await logOf('b1');
    expect(log).toContain(
      "left out: submodule vendor/lib (git submodules are not in GitLab's archives)",
    );
    expect(log).toContain('LFS content of assets/big.bin is missing: ');
    expect(log).toContain('missing in the build context: docs: .gitattributes keeps it out');
    expect((await rig.endOf('b1')).reason).toMatch(/\(\.gitattributes keeps it out of .*\)$/);
  });

  it('names a link that leads out of the repository', async () => {
    await resolved('b1', 'COPY conf/app.yml /app/', { conf: { symlink: '../../etc' } });
    await build('b1');
    expect((await rig.endOf('b1')).reason).toMatch(
      /\(conf is a link to \.\.\/\.\.\/etc, which is outside\)$/,
    );
  });

  it('names what a fragment copies and the context lacks', async () => {
    await resolved('b1', 'INCLUDE docker/app.dockerfile', {
      'docker/app.dockerfile': 'COPY nginx.conf /app/\n',
    });
    await build('b1');
    expect(await logOf('b1')).toMatch(/W_COPY_SOURCE.*\n.*docker\/app\.dockerfile:1/);
  });
});

it('refuses an ignore file that Docker would refuse, and asks for no archive', async () => {
  await resolved('b1', 'COPY . /app', { '.dockerignore': 'a\n[\n' });
  expect(await build('b1')).toMatchObject([{ type: 'build.failed' }]);
  expect((await rig.endOf('b1')).reason).toBe('.dockerignore:2: Docker cannot read the pattern [.');
  expect(asked).toEqual([]);
});

describe('archives', () => {
  /** Archives as a build role has them. */
  async function open(take?: (project: number) => Promise<boolean>) {
    const folder = await mkdtemp(join(rig.data, 'archives-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const gitlab = {
      archive: (project: number, options: { sha: string; path?: string }) => {
        asked.push(options.path ?? '');
        return rig.client.archive(project, options);
      },
    };
    const source = createGitLabSource({ gitlab, ...(take ? { take } : {}) });
    const cache = createArchiveCache({ folder, limit: 10 ** 9, reserve: 0, log: silent });
    return createArchives({ source, cache });
  }

  it('are asked for once for builds of one commit', async () => {
    const archives = await open();
    const sha = await resolved('b1', 'COPY . /app', { a: 'x' });
    await rig.resolve(rig.push('b2', sha, { ref: 'refs/tags/v1' })).catch(() => undefined);
    expect(await build('b1', { archives })).toEqual(pushed('b1'));
    await rig.stores.builds.update('b1', { state: 'running', made: 'gone' });
    expect(await build('b1', { archives })).toEqual(pushed('b1'));
    expect(asked).toEqual(['']);
  });

  it('that GitLab would refuse are waited for, and that GitLab refuses too', async () => {
    const { archiveLimits } = rig.stores;
    const hasLimit = await open((project) => archiveLimits.take(project, 5));
    const hasNone = await open();
    const sha = await rig.commit({ a: 'x' });
    const want = (path: string) => ({
      ...{ project: rig.project, sha, path },
      signal: new AbortController().signal,
    });
    // All within one minute of the clock, or they would not be refused.
    await expect.poll(() => Date.now() % 60_000).toBeLessThan(45_000);
    for (let n = 0; n < 5; n++) {
      const archive = await hasLimit.open(want(''));
      await hasLimit.forget(want(''));
      archive.destroy();
      await hasLimit.forget(want(''));
    }
    const count = asked.length;
    await expect(hasLimit.open(want(''))).rejects.toMatchObject({
      ...{ code: 'E_ARCHIVE_LIMIT', retryable: true, retryAfter: expect.any(Number) },
    });
    expect(asked).toHaveLength(count);
    await expect(hasNone.open(want(''))).rejects.toMatchObject({
      ...{ code: 'E_GITLAB', retryable: true, retryAfter: expect.any(Number) },
    });
  });

  it.each([
    ['is cut off', { afterBytes: 20_000, reset: true }],
    ['ends too early', { afterBytes: 20_000 }],
    ['is none', { status: 200, body: '<html>Sign in</html>' }],
  ])('of which one %s are asked for again', async (_, fault) => {
    const archives = await open();
    await resolved('b1', 'COPY . /app', { 'big.bin': 'x'.repeat(500_000) });
    rig.gitlab.faults.add({ route: /archive/, ...fault });
    expect(await build('b1', { archives })).toMatchObject([{ type: 'build.failed' }]);
    expect((await rig.endOf('b1')).reason).toMatch(/^The archive from GitLab broke off: /);
    await rig.stores.builds.update('b1', { state: 'running' });
    expect(await build('b1', { archives })).toEqual(pushed('b1'));
    expect(await buildHost.containers()).toEqual([]);
  });
});
